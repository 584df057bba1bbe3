import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intake, RATE_HZ } from './intake.ts';
import { wavFile } from './wavfile.ts';

const LIMITS = { uploadBytesMax: 4_000_000, turnSecondsMax: 60 };
const SECOND_BYTES = RATE_HZ * 2;
const clip = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const REFERENCE = clip('16khz.wav').subarray(44);

async function* pieces(bytes: Uint8Array, size = 4_096): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function taken(body: AsyncIterable<Uint8Array>, rawRateHz?: number, limits = LIMITS): Promise<Buffer> {
  const heard: Buffer[] = [];
  for await (const pcm of intake(body, limits, rawRateHz)) heard.push(pcm);
  return Buffer.concat(heard);
}

const samples = (pcm: Buffer) => Float64Array.from({ length: pcm.length >> 1 }, (_, at) => pcm.readInt16LE(at * 2));

/** A quarter of a second with speech in it is enough to compare. */
const HEARD_BYTES = 8_000;

/** Likeness of two recordings, 1 for the same, at the shift (an encoder's delay) at which they are most alike. */
function likeness(pcm: Buffer, reference: Buffer, shiftMax = 1_500): number {
  const [a, b] = [samples(pcm), samples(reference.subarray(0, HEARD_BYTES))];
  let best = 0;
  for (let shift = -shiftMax; shift <= shiftMax; shift += 1) best = Math.max(best, correlation(a, b, shift));
  return best;
}

function correlation(a: Float64Array, b: Float64Array, shift: number): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let at = Math.max(0, -shift); at < Math.min(b.length, a.length - shift); at += 1) {
    const [x, y] = [a[at + shift] ?? 0, b[at] ?? 0];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb || 1);
}

/** A file with one header field changed. */
function patched(at: number, value: number, bytes: 2 | 4): Buffer {
  const file = Buffer.from(clip('16khz.wav'));
  if (bytes === 2) file.writeUInt16LE(value, at);
  else file.writeUInt32LE(value, at);
  return file;
}

/** Plain PCM of 24 bits, which few encoders still write without the extensible header. */
function plain24(): Buffer {
  const header = Buffer.from(clip('16khz.wav').subarray(0, 44));
  const wide = Buffer.alloc((REFERENCE.length / 2) * 3);
  for (let at = 0; at < REFERENCE.length / 2; at += 1) wide.writeIntLE(REFERENCE.readInt16LE(at * 2) * 256, at * 3, 3);
  header.writeUInt32LE(RATE_HZ * 3, 28);
  header.writeUInt16LE(3, 32);
  header.writeUInt16LE(24, 34);
  header.writeUInt32LE(wide.length, 40);
  return Buffer.concat([header, wide]);
}

describe('a recording in any known format', () => {
  it.each([
    ['16khz.wav', 1],
    ['24bit.wav', 1],
    ['24bit-extensible.wav', 1],
    ['32bit-extensible.wav', 1],
    ['float.wav', 1],
    ['streamed.wav', 1],
    ['flac.flac', 1],
    ['rf64.wav', 1],
    ['flac.ogg', 1],
    ['alaw.wav', 0.99],
    ['mulaw.wav', 0.99],
    ['8bit.wav', 0.95],
    ['8khz.wav', 0.9],
    ['44khz-stereo.wav', 0.99],
    ['mp3.mp3', 0.9],
    ['mp3-id3.mp3', 0.97],
    ['vorbis.ogg', 0.9],
    ['opus.ogg', 0.8],
  ])('becomes 16 kHz mono of the same sound and length: %s', async (name, alike) => {
    const pcm = await taken(pieces(clip(name)));
    expect(likeness(pcm, REFERENCE)).toBeGreaterThanOrEqual(alike - 1e-4);
    expect(Math.abs(pcm.length - REFERENCE.length) / SECOND_BYTES).toBeLessThan(0.12);
  });

  it('is taken as plain 24-bit PCM too', async () => {
    expect(likeness(await taken(pieces(plain24())), REFERENCE)).toBeGreaterThan(0.9999);
  });

  it('is told by its content, so a content type or a name that lies does no harm', async () => {
    expect(await taken(pieces(clip('16khz.wav')))).toEqual(REFERENCE);
  });

  it('gives the same sound however the network cuts it', async () => {
    const whole = await taken(pieces(clip('44khz-stereo.wav').subarray(0, 40_000), 1 << 20));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9_000 }), async (size) => {
        const cut = await taken(pieces(clip('44khz-stereo.wav').subarray(0, 40_000), size));
        expect(Math.abs(cut.length - whole.length)).toBeLessThan(400);
        expect(likeness(cut, whole, 4)).toBeGreaterThan(0.999);
      }),
      { numRuns: 12 },
    );
  });

  it('gives its first sound before its last byte has come', async () => {
    let sent = 0;
    const counted = async function* () {
      for await (const piece of pieces(clip('16khz.wav'), 1_000)) {
        sent += piece.length;
        yield piece;
      }
    };
    for await (const pcm of intake(counted(), LIMITS)) {
      expect(pcm.length).toBeGreaterThan(0);
      break;
    }
    expect(sent).toBeLessThan(3_000);
  });

  it('may be raw samples, when the rate is told with it', async () => {
    expect(await taken(pieces(REFERENCE, 333), RATE_HZ)).toEqual(REFERENCE);
  });

  it.each([4_000, 192_000])('may be made at the lowest rate, and at the highest: %i', async (rate) => {
    const seconds = (await taken(pieces(patched(24, rate, 4)))).length / SECOND_BYTES;
    expect(seconds / (REFERENCE.length / 2 / rate)).toBeCloseTo(1, 1);
  });

  it('may be silence', async () => {
    const pcm = await taken(pieces(wavFile(new Uint8Array(SECOND_BYTES), RATE_HZ)));
    expect(pcm).toEqual(Buffer.alloc(SECOND_BYTES));
  });

  it('may carry other chunks before its samples, of odd sizes too, and anything after them', async () => {
    const file = clip('16khz.wav');
    const odd = Buffer.concat([Buffer.from('note'), Buffer.from([3, 0, 0, 0]), Buffer.from('abc\0')]);
    const dressed = Buffer.concat([file.subarray(0, 36), odd, file.subarray(36), Buffer.from('LIST'), Buffer.alloc(9_999, 1)]);
    expect(await taken(pieces(dressed, 1))).toEqual(REFERENCE);
  });

  it('may be shorter than its header says: what came is taken', async () => {
    expect(await taken(pieces(clip('16khz.wav').subarray(0, 44 + 10_001)))).toEqual(REFERENCE.subarray(0, 10_000));
  });

  it.each([
    ['alaw.wav', 6, [0x00, 0x2a, 0x55, 0x80, 0xaa, 0xd5], [-5_504, -32_256, -8, 5_504, 32_256, 8]],
    ['mulaw.wav', 7, [0x00, 0x0f, 0x7f, 0x80, 0x8f, 0xff], [-32_124, -16_764, 0, 32_124, 16_764, 0]],
  ])('has the levels of ITU-T G.711 where a telephone made it: %s', async (_name, format, codes, levels) => {
    const header = Buffer.from(clip('16khz.wav').subarray(0, 44));
    header.writeUInt16LE(format, 20);
    header.writeUInt16LE(1, 32);
    header.writeUInt16LE(8, 34);
    const pcm = await taken(pieces(Buffer.concat([header, Buffer.from(codes)])));
    expect([...samples(pcm)]).toEqual(levels);
  });

  it.each(['opus.ogg', 'flac.ogg'])('may be a chain of recordings, of which all are heard: %s', async (name) => {
    const twice = Buffer.concat([clip(name), clip(name)]);
    const [one, both] = await Promise.all([clip(name), twice].map((bytes) => taken(pieces(bytes))));
    expect(Math.abs((both?.length ?? 0) - 2 * (one?.length ?? 0)) / SECOND_BYTES).toBeLessThan(0.01);
    expect(likeness(both?.subarray(one?.length) as Buffer, one as Buffer, 200)).toBeGreaterThan(0.99);
  });

  it.each(['opus.ogg', 'flac.ogg'])('is not made longer where it was cut short: %s', async (name) => {
    const [whole, cut] = await Promise.all([clip(name), clip(name).subarray(0, -400)].map((bytes) => taken(pieces(bytes))));
    expect(cut?.length).toBeLessThan(whole?.length ?? 0);
    expect(likeness(cut as Buffer, whole as Buffer, 4)).toBeGreaterThan(0.9);
  });

  /** An ID3v2 tag with so many bytes in it. */
  const tag = (bytes: number, flags = 0) =>
    Buffer.concat([
      Buffer.from(['I', 'D', '3'].map((letter) => letter.charCodeAt(0)).concat(4, 0, flags)),
      Buffer.from([bytes >> 21, bytes >> 14, bytes >> 7, bytes].map((part) => part & 0x7f)),
      Buffer.alloc(bytes, 7),
      Buffer.alloc(flags === 0 ? 0 : 10, 7),
    ]);

  it.each(['flac.flac', '16khz.wav', 'mp3.mp3'])('may stand behind ID3 tags, of any size: %s', async (name) => {
    const bare = await taken(pieces(clip(name)));
    for (const tags of [tag(0), tag(70_000), tag(5, 0x10), Buffer.concat([tag(200), tag(0), tag(4_096)])])
      expect(await taken(pieces(Buffer.concat([tags, clip(name)])))).toEqual(bare);
  });

  it('may come behind a tag in single bytes', async () => {
    expect(await taken(pieces(Buffer.concat([tag(30), tag(2), clip('16khz.wav')]), 1))).toEqual(REFERENCE);
  });

  it('is not to be found in a tag alone, however it ends', async () => {
    for (const only of [tag(500), tag(500).subarray(0, 300), Buffer.concat([tag(3), tag(3)])])
      await expect(taken(pieces(only))).rejects.toMatchObject({
        code: 'unsupported-media',
        message: /ID3 tag without any audio/,
      });
  });

  it('may say a size of 0, as recorders that stream do', async () => {
    expect(await taken(pieces(patched(40, 0, 4)))).toEqual(REFERENCE);
  });
});

describe('an upload that is no recording', () => {
  it.each([
    ['an empty body', Buffer.alloc(0), 'invalid-argument', /empty/],
    ['text, whatever its name says', Buffer.from('These are words. '.repeat(50)), 'unsupported-media', /no audio that is known/],
    [
      'what a browser records as WebM',
      Buffer.from(`\x1aE\xdf\xa3${'x'.repeat(200)}`, 'latin1'),
      'unsupported-media',
      /WebM or Matroska/,
    ],
    [
      'what a phone records as M4A',
      Buffer.from(`\0\0\0\x20ftypM4A ${'x'.repeat(200)}`, 'latin1'),
      'unsupported-media',
      /MP4 or M4A/,
    ],
    [
      'a form',
      Buffer.from('--------------------------0123456789abcdef\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF'),
      'unsupported-media',
      /a multipart form/,
    ],
    [
      'an Ogg page with a byte changed',
      Buffer.from(clip('vorbis.ogg')).fill(0x55, 5_000, 5_001),
      'unsupported-media',
      /page at byte \d+ is damaged/,
    ],
    [
      'a chain of recordings without end',
      Buffer.concat(Array.from({ length: 17 }, () => clip('opus.ogg'))),
      'unsupported-media',
      /over 16 recordings/,
    ],
    ['a WAV header cut short', clip('16khz.wav').subarray(0, 20), 'unsupported-media', /ends after 20 bytes/],
    ['a WAV header without samples', clip('16khz.wav').subarray(0, 44), 'invalid-argument', /no samples/],
    [
      'RIFF, and then garbage',
      Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVE'), Buffer.alloc(3_000, 0x5a)]),
      'unsupported-media',
      /cut short/,
    ],
    [
      'samples without a format',
      Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVEdata\0\x01\0\0'), Buffer.alloc(256)]),
      'unsupported-media',
      /no format chunk/,
    ],
    ['no channel', patched(22, 0, 2), 'unsupported-media', /0 channels/],
    ['a rate that nothing records at', patched(24, 7, 4), 'unsupported-media', /7 samples a second/],
    ['a rate that nothing resamples', patched(24, 192_001, 4), 'unsupported-media', /192001 samples a second; 4000 to 192000/],
    ['a format that is not known', patched(20, 85, 2), 'unsupported-media', /format 85/],
    ['a frame that cannot be', patched(32, 3, 2), 'unsupported-media', /3 bytes for 1 samples/],
    ['a format chunk of a gigabyte', patched(16, 1 << 30, 4), 'unsupported-media', /format chunk of 1073741824 bytes/],
    [
      'FLAC, and then garbage',
      Buffer.concat([clip('flac.flac').subarray(0, 100), Buffer.alloc(9_000, 7)]),
      'unsupported-media',
      /flac file cannot be decoded/,
    ],
    [
      'MP3 in its first byte only',
      Buffer.concat([Buffer.from('ID3'), Buffer.alloc(9_000, 0xf7)]),
      'unsupported-media',
      /mp3 file cannot be decoded/,
    ],
    [
      'Ogg without a codec that is known',
      Buffer.concat([Buffer.from('OggS'), Buffer.alloc(9_000, 7)]),
      'unsupported-media',
      /neither Vorbis, Opus nor FLAC/,
    ],
    [
      'Vorbis, and then garbage',
      Buffer.concat([clip('vorbis.ogg').subarray(0, 64), Buffer.alloc(9_000, 7)]),
      'unsupported-media',
      /page at byte \d+ is damaged/,
    ],
    [
      'Opus, and then garbage',
      Buffer.concat([clip('opus.ogg').subarray(0, 64), Buffer.alloc(9_000, 7)]),
      'unsupported-media',
      /page at byte \d+ is damaged/,
    ],
  ] as const)('is refused with what is wrong: %s', async (_what, bytes, code, message) => {
    await expect(taken(pieces(bytes))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('never fails in another way, whatever byte of a file is changed', async () => {
    const names = ['16khz.wav', '24bit-extensible.wav', 'float.wav', 'streamed.wav'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(120), fc.nat(255), fc.nat(4_000), async (name, at, value, length) => {
        const bytes = Buffer.from(clip(name).subarray(0, length));
        if (at < bytes.length) bytes[at] = value;
        const outcome = await taken(pieces(bytes, 700)).catch((caught: { code: string }) => caught.code);
        // A changed rate or length may promise more than a turn may be long.
        if (typeof outcome === 'string')
          expect(['unsupported-media', 'invalid-argument', 'payload-too-large']).toContain(outcome);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an upload beyond the limits', () => {
  const endless = async function* (first: Uint8Array, counted: { bytes: number }) {
    for (let next = first; ; next = new Uint8Array(32_000)) {
      counted.bytes += next.length;
      yield next;
    }
  };

  it('is refused as soon as the audio is longer than a turn, and no more of it is read', async () => {
    const counted = { bytes: 0 };
    const header = patched(40, 0xffff_ffff, 4).subarray(0, 44);
    const limits = { uploadBytesMax: 25 << 20, turnSecondsMax: 60 };
    await expect(taken(endless(header, counted), undefined, limits)).rejects.toMatchObject({ code: 'payload-too-large' });
    expect(counted.bytes).toBeLessThan(62 * SECOND_BYTES);
  });

  it('is refused by its header alone, where that says so', async () => {
    const counted = { bytes: 0 };
    const limits = { uploadBytesMax: 25 << 20, turnSecondsMax: 60 };
    const header = patched(40, 600 * SECOND_BYTES, 4).subarray(0, 44);
    await expect(
      taken(endless(Buffer.concat([header, new Uint8Array(1_000)]), counted), undefined, limits),
    ).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    expect(counted.bytes).toBe(1_044);
  });

  it('is refused as soon as it is larger than an upload may be, however little sound is in it', async () => {
    const counted = { bytes: 0 };
    const limits = { uploadBytesMax: 100_000, turnSecondsMax: 60 };
    await expect(taken(endless(clip('16khz.wav'), counted), undefined, limits)).rejects.toMatchObject({
      code: 'payload-too-large',
      message: expect.stringContaining('100000 bytes'),
    });
    expect(counted.bytes).toBeLessThan(150_000);
  });

  it('is refused while it unfolds, when a few bytes hold ten minutes', async () => {
    const counted = { bytes: 0 };
    const bomb = async function* () {
      for await (const piece of pieces(clip('ten-minutes.flac'), 512)) {
        counted.bytes += piece.length;
        yield piece;
      }
    };
    await expect(taken(bomb())).rejects.toMatchObject({
      code: 'payload-too-large',
      message: expect.stringContaining('60 seconds'),
    });
    expect(counted.bytes).toBeLessThan(clip('ten-minutes.flac').length / 2);
  });
});

describe('many compressed files at once', () => {
  it('are decoded up to a number, and the rest is told to come again; a place that is left can be taken', async () => {
    const hold = Promise.withResolvers<void>();
    const held = async function* () {
      yield clip('mp3.mp3').subarray(0, 4_000);
      await hold.promise;
    };
    const open = Array.from({ length: 16 }, () => intake(held(), LIMITS)[Symbol.asyncIterator]() as AsyncGenerator<Buffer>);
    await Promise.all(open.map((each) => each.next()));
    await expect(taken(pieces(clip('mp3.mp3')))).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1_000 });
    expect((await taken(pieces(clip('16khz.wav')))).length).toBe(REFERENCE.length);
    hold.resolve();
    await Promise.all(open.map((each) => each.return(undefined)));
    expect((await taken(pieces(clip('mp3.mp3')))).length).toBeGreaterThan(0);
  });
});
