import type { SecurityAlert, ServiceName } from '@smartlite/contracts';
import type { ControlBody, FailureFact, LockStatus, Placed } from '@smartlite/trust';
import type { Report, ReportedFinding } from './report.ts';

/** The control log. Entries of one process keep their order. */
export interface ControlLog {
  /** Signs and appends; resolves when the stream has acknowledged, and is tried until then. */
  append(body: ControlBody): void;
  /** Appends a message that somebody else has signed, at its place among the own ones. Resolves with its position. */
  appendSigned(bytes: Uint8Array): Promise<number>;
  /** Reads from the beginning, for ever; `onLost` when the log is not the one that was read before. */
  follow(
    on: { readonly message: (placed: Placed) => void; readonly caughtUp: () => void; readonly lost: () => void },
    signal: AbortSignal,
  ): Promise<void>;
}

/** The fleet's ear: statuses go out, and answers come in, on a connection of their own. Sending never waits. */
export interface LockBus {
  broadcast(status: Uint8Array): void;
  /** `nonce` answers or keeps silent; all bytes are an attacker's until they are opened. */
  listen(on: {
    readonly nonce: (request: Uint8Array) => Uint8Array | null;
    readonly ack: (ack: Uint8Array) => void;
    readonly alarm: (alarm: Uint8Array) => void;
    readonly status: (status: Uint8Array) => void;
  }): void;
  close(): Promise<void>;
}

/** This verifier's memory across its starts, fsynced before it returns. */
export interface Journal {
  read(): Promise<{ readonly epoch: number; readonly failures: readonly FailureFact[] }>;
  keep(memory: { readonly epoch?: number; readonly failures?: readonly FailureFact[] }): Promise<void>;
}

/** The store of models that this verifier vouches for. */
export interface ModelStore {
  /** Reads and verifies lock, pack and every byte; whatever goes wrong is a finding, so it never throws but for the signal. */
  verify(signal: AbortSignal): Promise<Report>;
  /** Watches for signs of a change, until the signal. */
  watch(on: StoreWatch, signal: AbortSignal): Promise<void>;
}

export interface StoreWatch {
  /** What a look at the suspected files alone has found, long before a full verification has ended. */
  readonly found: (findings: readonly ReportedFinding[]) => void;
  /** A full verification is due. */
  readonly changed: () => void;
}

export type SentAlert = SecurityAlert;

/** Takes security alerts to where people are woken. Sending never waits and never fails; it is tried until it is taken. */
export interface AlertSender {
  readonly send: (alert: SentAlert) => void;
}

/** What others are told: events, alerts, the trail, metrics, the lock's runtime state. */
export interface Tell {
  modeChanged(from: LockStatus['mode'] | 'starting', status: LockStatus): void;
  verified(report: Report): void;
  reign(epoch: number | null, because: string): void;
  ackDelay(service: ServiceName, delayMs: number): void;
  lagging(instance: {
    readonly service: ServiceName;
    readonly instance: string;
    readonly epoch: number;
    readonly revision: number;
  }): void;
}
