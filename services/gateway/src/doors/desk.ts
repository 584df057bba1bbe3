import { type Call, type Caller, CountedRecord, type Platform, REFUSALS_RECORDED, type SafeModeRule } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { allowedRegions, nameTheRule, type ResidencyPolicy, type Wish } from '@smartlite/resilience';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clients } from './clients.ts';
import { patiently } from './patience.ts';
import type { PackInForce } from '../packinforce.ts';
import { servingTraceparent } from './traceparent.ts';

/** One piece of work behind a door may last as long as the longest turn, spoken and answered. */
const WORK_MS_MAX = 180_000;
/** Regions that one request may name. */
const REGIONS_MAX = 16;

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C trace context: the caller's, or a new one. */
    traceparent: string;
    /** Whose key came along. Set before the body is read, on every route that needs a key. */
    caller: Caller | null;
  }
  interface FastifyReply {
    /** What follows the body of an answer that is streamed. */
    trailers: Map<string, string>;
  }
}

/** What the work behind a door is called, and what becomes of it in safe mode. */
export interface Errand {
  readonly name: string;
  readonly inSafeMode: SafeModeRule;
  /** Ends when the caller leaves. */
  readonly signal: AbortSignal;
  /** Where this is not the request's own, as for one of many turns on a WebSocket. */
  readonly traceparent?: string;
}

/** What every handler of ours begins with: who calls, for how long, and when they leave. */
export class Desk {
  readonly platform: Platform;
  readonly idleMsMax: number;
  /** Pieces of work that have begun and not ended. */
  inflight = 0;
  readonly #clients: Clients;
  readonly #refusals: CountedRecord;
  readonly #packs: PackInForce;

  constructor(platform: Platform, clients: Clients, packs: PackInForce, idleMsMax: number) {
    this.platform = platform;
    this.idleMsMax = idleMsMax;
    this.#clients = clients;
    this.#refusals = new CountedRecord(platform, 'call.refused', REFUSALS_RECORDED);
    this.#packs = packs;
  }

  /** Lets in who has a key, before anything of the body is read. */
  async admit(request: FastifyRequest): Promise<void> {
    try {
      request.caller = await this.#clients.callerOf(
        request.headers.authorization ?? keyInProtocol(request),
        header(request, 'x-smartlite-user'),
      );
    } catch (caught) {
      this.#recordRefusal(request, MeshError.from(caught));
      throw caught;
    }
  }

  /** Who has no good key is refused before the layers, so its entry is written here: bounded, for whoever hammers must not fill the trail. */
  #recordRefusal({ method, routeOptions, traceparent }: FastifyRequest, { reason }: MeshError): void {
    const facts = { method: `${method} ${routeOptions.url ?? ''}`, reason };
    this.#refusals.record(facts, { traceId: traceparent.split('-')[1] ?? '', actor: 'nobody' });
  }

  /** Runs work for the key's owner behind the layers of every call. The first step of the iteration may already refuse. */
  serve<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    { name, inSafeMode }: Omit<Errand, 'signal'>,
    work: (call: Call) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const leaving = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) leaving.abort();
    });
    return this.run(request, { name, inSafeMode, signal: leaving.signal }, (call) => {
      if (!reply.raw.headersSent) reply.header('traceparent', servingTraceparent(call, request.traceparent));
      const hasBegun = () => reply.raw.headersSent;
      return work({ ...call, hasBegun, trailer: (name, value) => sendAlong(reply, name, value) });
    });
  }

  /** The same for work that has no reply of its own, as each response on a WebSocket. */
  run<T>(
    request: FastifyRequest,
    { name, inSafeMode, signal, traceparent = request.traceparent }: Errand,
    work: (call: Call) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const platform = this.platform;
    const packs = this.#packs;
    const { caller } = request;
    const tracestate = header(request, 'tracestate');
    const asked = (header(request, 'x-smartlite-region') ?? '')
      .split(',')
      .map((region) => region.trim())
      .filter(Boolean);
    const counted = (by: 1 | -1) => void (this.inflight += by);
    return (async function* () {
      if (!caller) throw new MeshError('unauthenticated', 'an API key is required');
      if (asked.length > REGIONS_MAX) throw new MeshError('invalid-argument', `x-smartlite-region: ${REGIONS_MAX} at most`);
      const known = await packs.current();
      const wish = { tenant: caller.tenant, bound: caller.regions, asked };
      const { allowed, limits, refusal } =
        known.kind === 'known'
          ? narrowed(caller, known.pack.residency_policy, wish)
          : { allowed: caller, limits: undefined, refusal: known.error };
      const headers = { traceparent, ...(tracestate !== undefined && { tracestate }) };
      const entry = { name, inSafeMode, caller: allowed, requestId: request.id, headers, timeoutMs: timeoutOf(request), signal };
      counted(1);
      try {
        yield* platform.door(entry, (call) => {
          // Refused here, behind the layers, so that the refusal has its span and its entry. Without the policy nobody can say who may
          // see the data. In a mode that forbids the call, its refusal came first.
          if (refusal && (known.kind === 'known' || inSafeMode !== 'serve')) throw refusal;
          return work(call);
        });
      } catch (caught) {
        throw limits === undefined ? caught : nameTheRule(caught, limits);
      } finally {
        counted(-1);
      }
    })();
  }

  /** The request's body as it arrives. */
  body(request: FastifyRequest): AsyncIterable<Uint8Array> {
    return patiently(request.raw, this.idleMsMax);
  }
}

/** Browsers cannot set headers on a WebSocket; OpenAI's client sends the key as a subprotocol there. */
function keyInProtocol(request: FastifyRequest): string | undefined {
  const key = /(?:^|,\s*)openai-insecure-api-key\.([^,\s]+)/.exec(header(request, 'sec-websocket-protocol') ?? '')?.[1];
  return key === undefined ? undefined : `Bearer ${key}`;
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** How long the caller waits for the whole answer: nobody works on for one who has given up, nor begins what would be late. */
function timeoutOf(request: FastifyRequest): number {
  const given = header(request, 'x-smartlite-timeout-ms');
  if (given === undefined) return WORK_MS_MAX;
  if (!/^[1-9]\d{0,8}$/.test(given))
    throw new MeshError('invalid-argument', 'x-smartlite-timeout-ms: give whole milliseconds, 1 or more');
  return Math.min(Number(given), WORK_MS_MAX);
}

/** In the head of an answer that is sent as a whole, after the body of one that is streamed. */
function sendAlong(reply: FastifyReply, name: string, value: string): void {
  if (reply.raw.headersSent) reply.trailers.set(name, value);
  else reply.header(name, value);
}

/** The caller within the regions that may see this request, or why there are none. */
function narrowed(caller: Caller, policy: ResidencyPolicy, wish: Wish) {
  try {
    const limits = allowedRegions(policy, wish);
    return { allowed: { ...caller, regions: limits.regions }, limits, refusal: undefined };
  } catch (caught) {
    return { allowed: caller, limits: undefined, refusal: MeshError.from(caught) };
  }
}
