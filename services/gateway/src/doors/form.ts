import { MeshError } from '@smartlite/contracts';
import type { FastifyRequest } from 'fastify';
import { intake, type IntakeLimits } from '../audio/intake.ts';
import { patiently, within } from './patience.ts';

/** Stock clients send ten at most. */
export const FIELDS_MAX = 20;
const ONE_FILE = 'one file is due, in the field "file"';

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
    else if (part.fieldname !== 'file' || audio) throw new MeshError('invalid-argument', `form: ${ONE_FILE}`);
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
    const code = String((cause as { code?: unknown }).code);
    if (code === 'FST_MP_PREMATURE_CLOSE') throw new MeshError('cancelled', 'the upload was broken off', { cause });
    const what = COMPLAINTS[code] ?? 'it is no multipart/form-data that can be read';
    throw new MeshError('invalid-argument', `form: ${what}`, { cause });
  });
  return within(named, idleMsMax);
}

/** What the parser refuses by itself, in words that say what is due. */
const COMPLAINTS: Readonly<Record<string, string>> = {
  FST_FILES_LIMIT: ONE_FILE,
  FST_FIELDS_LIMIT: `${FIELDS_MAX} fields are the most`,
  FST_PROTO_VIOLATION: 'a field has a name that is not taken',
};
