import type { ServiceName } from '@smartlite/contracts';
import type { LockState, LockView } from '../platform.ts';
import type { Wired } from '../service.ts';

/** Services that only infer: in a mode that forbids it they leave rotation. All others still have something to say. */
const INFERRING: ReadonlySet<ServiceName> = new Set<ServiceName>(['asr', 'llm', 'tts']);
/** How often a service's own readiness is looked at. */
const LOOK_MS = 500;

export interface ReadinessParts {
  readonly service: ServiceName;
  readonly guard: LockView;
  readonly facts: Wired['facts'] | undefined;
  /** The gRPC health service. */
  readonly tell: (serving: boolean) => void;
}

export interface Readiness {
  /** Undefined when calls may come; else why not. */
  readonly notReady: () => string | undefined;
  started(): void;
  stopping(): void;
}

/** Whether calls may come: started, not stopping, permitted where it infers, and ready by the service's own word. */
export function readiness({ service, guard, facts, tell }: ReadinessParts): Readiness {
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let told: boolean | undefined;
  const notReady = () => (phase === 'running' ? (forbidden(service, guard.current()) ?? facts?.().notReady) : phase);
  const look = () => {
    const serving = notReady() === undefined;
    if (serving !== told) tell(serving);
    told = serving;
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  guard.onChange(look);
  return {
    notReady,
    started() {
      phase = 'running';
      look();
    },
    stopping() {
      phase = 'stopping';
      clearInterval(timer);
      look();
    },
  };
}

function forbidden(service: ServiceName, { mode, reasons }: LockState): string | undefined {
  if (mode === 'normal' || !INFERRING.has(service)) return undefined;
  return [`the mode is ${mode}`, ...reasons.slice(0, 1)].join(': ');
}
