import { type ControlBody, type ControlEntry, type RoleIdentity, signEntry } from '@smartlite/trust';
import type { NodeSelf } from './self.ts';

/** Signs this boot's entries of the control log, each under the next number of its counter. */
export class EntrySigner {
  readonly #self: NodeSelf;
  readonly #identity: () => RoleIdentity;
  readonly #incarnation: () => string;
  #counter = 0;

  constructor(self: NodeSelf, identity: () => RoleIdentity, incarnation: () => string) {
    this.#self = self;
    this.#identity = identity;
    this.#incarnation = incarnation;
  }

  sign(body: ControlBody): { readonly bytes: Uint8Array; readonly id: string } {
    const { fleet, generation, instance, boot } = this.#self;
    this.#counter += 1;
    const incarnation = this.#incarnation();
    const entry: ControlEntry = { fleet, generation, incarnation, author: instance, boot, counter: this.#counter, body };
    return { bytes: signEntry(entry, this.#identity()), id: `${boot}.${this.#counter}` };
  }
}
