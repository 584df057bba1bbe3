import { type AccountRequest, type AccountResponse, MeshError } from '@smartlite/contracts';
import type { Command } from './entry.ts';
import type { Outcome } from './outcome.ts';
import { amountsOf, grantMessage, messageOf, settled } from './wire.ts';

// A command of the contract on its way into the ledger, and the fold's outcome on its way back. Pure.

export type Asked = NonNullable<AccountRequest['command']>;
export type Given = NonNullable<AccountResponse['result']>;

/** The ledger's command. Throws `invalid-argument` for what is none. */
export function commandOf(asked: AccountRequest['command']): Command {
  switch (asked?.$case) {
    case 'reserve': {
      const { key, tenant, user, amounts, covered, lifeMs } = asked.value;
      if (!key || !tenant || !user) throw new MeshError('invalid-argument', 'key, tenant and user are required');
      return { kind: 'reserve', key, tenant, user, amounts: amountsOf(amounts), covered: amountsOf(covered), lifeMs };
    }
    case 'extend': {
      const { reservationId: reservation, key, more, spent } = asked.value;
      return { kind: 'extend', reservation, key, more: amountsOf(more), spent: amountsOf(spent) };
    }
    case 'settle':
      return { kind: 'settle', reservation: asked.value.reservationId, spent: amountsOf(asked.value.spent) };
    case 'release':
      return { kind: 'release', reservation: asked.value.reservationId };
    case 'batch':
      throw new MeshError('invalid-argument', 'a batch holds no other batch');
    case undefined:
      throw new MeshError('invalid-argument', 'the request carries no command');
  }
}

/** The answer to a command, by the fold's outcome at its entry. Throws what the ledger says instead of an outcome. */
export function givenFor(asked: AccountRequest['command'], outcome: Outcome): Given {
  if (asked?.$case === 'reserve' || asked?.$case === 'extend') return { $case: asked.$case, value: grantMessage(outcome) };
  const { charged, freed } = settled(outcome);
  if (asked?.$case === 'release') return { $case: 'release', value: { freed: messageOf(freed) } };
  return { $case: 'settle', value: { charged: messageOf(charged), freed: messageOf(freed) } };
}
