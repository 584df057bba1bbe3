import { MeshError } from '@smartlite/contracts';
import type { FastifyRequest } from 'fastify';
import { intake, type IntakeLimits } from '../audio/intake.ts';
import { patiently, within } from './patience.ts';

/** A form with one recording. */
export interface AudioForm {
  /** 16 kHz mono s16le. */
  readonly audio: Uint8Array;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Reads a multipart form. The recording is decoded as it comes, and kept as at most a minute of PCM, for stock clients send it before
 * the fields that say what to do with it. `heard` is passed the file's own bytes.
 */
export async function audioForm(
  request: FastifyRequest,
  limits: IntakeLimits,
  idleMsMax: number,
  heard: (file: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): Promise<AudioForm> {
  if (!request.isMultipart())
    throw new MeshError('unsupported-media', 'content-type: send multipart/form-data with a field "file"');
  const fields = new Map<string, string>();
  let audio: Buffer | undefined;
  const parts = request.parts()[Symbol.asyncIterator]();
  for (let next = await step(parts.next(), idleMsMax); !next.done; next = await step(parts.next(), idleMsMax)) {
    const part = next.value;
    if (part.type === 'field') fields.set(part.fieldname, String(part.value));
    else if (part.fieldname !== 'file' || audio)
      throw new MeshError('invalid-argument', 'form: one file is due, in the field "file"');
    else
      audio = await gathered(intake(heard(patiently(part.file, idleMsMax)), limits)).catch((caught: unknown) =>
        brokenOff(caught, request),
      );
  }
  if (!audio) throw new MeshError('invalid-argument', 'file: the form holds no file');
  return { audio, fields };
}

async function gathered(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** A request that came whole, with a file in it that did not, was written so. */
function brokenOff(caught: unknown, { raw }: FastifyRequest): never {
  if (raw.complete && MeshError.from(caught).code === 'cancelled')
    throw new MeshError('invalid-argument', 'form: it ends before its file does', { cause: caught });
  throw caught;
}

/** The parser's own complaints are about the form; only it can tell what is wrong with it. */
function step<T>(next: Promise<T>, idleMsMax: number): Promise<T> {
  const named = next.catch((cause: unknown) => {
    const premature = (cause as { code?: unknown }).code === 'FST_MP_PREMATURE_CLOSE';
    if (premature) throw new MeshError('cancelled', 'the upload was broken off', { cause });
    if (cause instanceof Error && 'statusCode' in cause) throw cause;
    throw new MeshError('invalid-argument', 'form: it is no multipart/form-data that can be read', { cause });
  });
  return within(named, idleMsMax);
}
