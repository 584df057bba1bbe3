import type { Call, Peers, Platform } from '@smartlite/chassis';
import type {
  ExtendRequest,
  ExtendResponse,
  ReserveRequest,
  ReserveResponse,
  SettleRequest,
  SettleResponse,
} from '@smartlite/contracts';
import type { TierChoice } from './tiers.ts';
import type { Pace } from './turn/pace.ts';

// What this service needs from outside: the three stages of a turn, and the books. It owns no model.

/**
 * The way to the budget. Nothing is ever assumed to be granted: whatever keeps an answer from coming is thrown as
 * `budget-unavailable`, after the line has asked once more by itself: the same command twice is one command.
 */
export interface LedgerLine {
  reserve(request: ReserveRequest): Promise<ReserveResponse>;
  extend(request: ExtendRequest): Promise<ExtendResponse>;
  settle(request: SettleRequest): Promise<SettleResponse>;
}

/**
 * The stages of a turn, each one stream. Another instance is asked by the port itself as long as nothing was received; whoever stops
 * reading, or ends the signal, cancels down to the engine. Failures are MeshErrors.
 */
export interface Stages {
  readonly asr: Pick<Peers['asr'], 'streamTranscribe'>;
  readonly llm: Pick<Peers['llm'], 'generate' | 'countTokens'>;
  readonly tts: Pick<Peers['tts'], 'synthesize'>;
}

/** Everything that a turn, or one stage of it, works with. */
export interface Ports extends Stages {
  readonly ledger: LedgerLine;
  readonly clock: Platform['clock'];
  readonly trail: Platform['trail'];
  readonly log: Platform['log'];
  /** Tokens that the caller may still spend; undefined where nobody counts them, or the budget does not say in time. */
  readonly tokensLeft: (call: Call) => Promise<bigint | undefined>;
  /** The voice that a request means. Throws `invalid-argument`, with the names there are, for a voice or a model that is not there. */
  readonly voiceFor: (asked: { readonly model: string; readonly voice: string }) => Promise<string>;
  /** How fast turns are answered here. */
  readonly pace: Pace;
  /** The tier that a request goes to, and why. */
  readonly tiers: Pick<TierChoice, 'recognition' | 'answer' | 'requireAnswer'>;
  /** A name for a reservation that nobody outside can choose: the same name twice would be one reservation. */
  readonly newId: () => string;
  /** 16 random bytes, hex: what an answer's digests are salted with. */
  readonly newSalt: () => string;
  /** How long a request may spend what it reserved: the audio, the answer and the speech, with room. */
  readonly reservationMs: number;
}
