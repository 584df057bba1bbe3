import type { Code } from '@smartlite/contracts';
import type { TrustDocument } from '@smartlite/trust';

/** Between a service and its engine process. Structured-clone values over IPC; `id` names one piece of work. */
export type ToEngine =
  | {
      readonly kind: 'load';
      readonly moduleUrl: string;
      readonly modelId: string;
      readonly lock: Uint8Array;
      readonly pack: Uint8Array;
      readonly trust: TrustDocument;
      readonly modelsRoot: string;
      readonly settings: Readonly<Record<string, unknown>>;
    }
  /** Another lock is in force: does it cover what is loaded? */
  | { readonly kind: 'relock'; readonly lock: Uint8Array; readonly pack: Uint8Array }
  | { readonly kind: 'run'; readonly id: number; readonly request: unknown }
  /** The service has taken this many more chunks. */
  | { readonly kind: 'taken'; readonly id: number; readonly chunks: number }
  | { readonly kind: 'cancel'; readonly id: number };

export type FromEngine =
  | { readonly kind: 'loaded'; readonly engine: string; readonly artifactDigests: readonly string[]; readonly lockDigest: string }
  /** It could not be loaded. A finding is about bytes; without one the engine itself failed. */
  | { readonly kind: 'refused'; readonly message: string; readonly finding: EngineFinding | null }
  /** It does, and this is its digest; or null: what it covers has to be loaded anew. Answers come in the order of the questions. */
  | { readonly kind: 'relocked'; readonly lockDigest: string | null }
  | { readonly kind: 'chunk'; readonly id: number; readonly chunk: unknown }
  | { readonly kind: 'done'; readonly id: number }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: Code;
      readonly message: string;
      readonly facts: Readonly<Record<string, string>>;
    };

export interface EngineFinding {
  readonly code: string;
  /** Empty where the finding is about lock or pack. */
  readonly artifact: string;
}

/** Chunks that a child may send ahead of its service. Enough to hide the hop, too little to fill memory. */
export const CHUNK_WINDOW = 32;
