import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { create } from 'tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import { artifactOf } from '../up/fixtures/pack.ts';
import { type PullOptions, pull } from './pull.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'smartlite-pull-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function optionsFor(artifacts: readonly Artifact[], more: Partial<PullOptions> = {}): PullOptions {
  const folder = temporaryFolder();
  return {
    artifacts,
    packDigest: 'sha256:0',
    packFolder: folder,
    models: join(folder, 'models'),
    downloads: join(folder, 'downloads'),
    record: join(folder, 'models.json'),
    changed: 'replace',
    signal: new AbortController().signal,
    ...more,
  };
}

/** Serves these bytes, and notes which ranges were asked for. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/model.bin`;
}

function serveRanges(bytes: Buffer, asked: (string | undefined)[] = []) {
  return serve((request, response) => {
    asked.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200).end(bytes.subarray(from));
  });
}

const bytes = randomBytes(300_000);

describe('artifacts that are all in place', () => {
  it('asks no source for anything', async () => {
    const asked: (string | undefined)[] = [];
    const options = optionsFor([artifactOf('a', bytes, { kind: 'url', url: await serveRanges(bytes, asked) })]);
    expect(await pull(options)).toEqual({ fetched: 1, present: 0, changed: [] });
    expect(await pull(options)).toEqual({ fetched: 0, present: 1, changed: [] });
    expect(asked).toHaveLength(1);
  });

  it('fetches one again whose bytes were changed, its size and place kept', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: await serveRanges(bytes) });
    const options = optionsFor([artifact]);
    await pull(options);
    const place = join(options.models, artifact.path);
    writeFileSync(place, Buffer.alloc(bytes.length));
    expect(await pull(options)).toEqual({ fetched: 1, present: 0, changed: [] });
    expect(readFileSync(place).equals(bytes)).toBe(true);
  });
});

describe('a file whose bytes were changed after it was fetched', () => {
  it('is kept as it is when told so, at every pull, and replaced when not', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: await serveRanges(bytes) });
    const options = optionsFor([artifact], { changed: 'keep' });
    await pull(options);
    const place = join(options.models, artifact.path);
    writeFileSync(place, Buffer.alloc(bytes.length));
    for (const again of [1, 2])
      expect([again, await pull(options)]).toEqual([again, { fetched: 0, present: 0, changed: [artifact.path] }]);
    expect(await pull({ ...options, changed: 'replace' })).toEqual({ fetched: 1, present: 0, changed: [] });
  });

  it('is fetched when the pack asks for other bytes: that is a new artifact, no change', async () => {
    const url = await serveRanges(bytes);
    const options = optionsFor(
      [artifactOf('a', Buffer.from('former'), { kind: 'url', url: await serveRanges(Buffer.from('former')) })],
      { changed: 'keep' },
    );
    await pull(options);
    expect(await pull({ ...options, artifacts: [artifactOf('a', bytes, { kind: 'url', url })] })).toMatchObject({
      fetched: 1,
      changed: [],
    });
  });
});

describe('a fetch that was interrupted', () => {
  it('continues by byte range where it stopped', async () => {
    const asked: (string | undefined)[] = [];
    const artifact = artifactOf('a', bytes, { kind: 'url', url: await serveRanges(bytes, asked) });
    const options = optionsFor([artifact]);
    mkdirSync(options.downloads);
    writeFileSync(join(options.downloads, `${artifact.sha256}.partial`), bytes.subarray(0, 1000));
    await pull(options);
    expect(asked).toEqual(['bytes=1000-']);
    expect(readFileSync(join(options.models, artifact.path)).equals(bytes)).toBe(true);
  });

  it('continues after the server has cut the connection in the middle', async () => {
    let cuts = 0;
    const url = await serve((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
      if (cuts++ === 0) response.write(bytes.subarray(0, 100_000), () => response.destroy());
      else response.end(bytes.subarray(from));
    });
    const artifact = artifactOf('a', bytes, { kind: 'url', url });
    const options = optionsFor([artifact]);
    await pull(options);
    expect(cuts).toBe(2);
    expect(readFileSync(join(options.models, artifact.path)).equals(bytes)).toBe(true);
  });

  it('starts over when the server does not do ranges', async () => {
    const url = await serve((_request, response) => void response.end(bytes));
    const artifact = artifactOf('a', bytes, { kind: 'url', url });
    const options = optionsFor([artifact]);
    mkdirSync(options.downloads);
    writeFileSync(join(options.downloads, `${artifact.sha256}.partial`), bytes.subarray(0, 1000));
    await pull(options);
    expect(readFileSync(join(options.models, artifact.path)).equals(bytes)).toBe(true);
  });
});

describe('a source that gives other bytes than the pack pins', () => {
  it('is refused by digest, and nothing is put in place or kept', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: await serveRanges(Buffer.alloc(bytes.length)) });
    const options = optionsFor([artifact]);
    await expect(pull(options)).rejects.toThrow(/Artifact a: its source gives sha256:/);
    expect(existsSync(join(options.models, artifact.path))).toBe(false);
    expect(readdirSync(options.downloads)).toEqual([]);
  });

  it('is cut off when it sends more than the pinned size', async () => {
    const artifact = artifactOf('a', bytes, {
      kind: 'url',
      url: await serve((_request, response) => void response.end(Buffer.alloc(bytes.length + 1))),
    });
    await expect(pull(optionsFor([artifact]))).rejects.toThrow(/sends more than the 300000 bytes/);
  });

  it('is refused when npm delivers another tarball than the pinned one', async () => {
    const { artifact } = await tarballOf('package/model.bin', bytes);
    const options = optionsFor([artifact]);
    npmDelivers('other bytes');
    await expect(pull(options)).rejects.toThrow(/its tarball is sha256:[0-9a-f]{64}, the pack pins sha256:/);
    expect(existsSync(join(options.models, artifact.path))).toBe(false);
  });
});

describe('a source that is not there', () => {
  it('is named with its package when npm cannot fetch it, with what npm says', async () => {
    const { artifact } = await tarballOf('package/model.bin', bytes);
    const options = optionsFor([artifact]);
    npmSays('npm error network is down');
    await expect(pull(options)).rejects.toThrow(/made@1\.0\.0 cannot be fetched\.\nnpm error network is down/);
  });

  it('is named with the artifact when the server has no such file', async () => {
    const url = await serve((_request, response) => void response.writeHead(404).end());
    await expect(pull(optionsFor([artifactOf('a', bytes, { kind: 'url', url })]))).rejects.toThrow(/Artifact a: .* answers 404/);
  });

  it('is named with the artifact when nobody listens', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: 'http://127.0.0.1:1/model.bin' });
    await expect(pull(optionsFor([artifact]))).rejects.toMatchObject({
      message: expect.stringContaining('Artifact a'),
      remedy: expect.stringContaining('continues'),
    });
  });

  it('is named with the artifact when the file beside the pack is missing', async () => {
    await expect(pull(optionsFor([artifactOf('a', bytes, { kind: 'file', path: 'none.bin' })]))).rejects.toThrow(
      /Artifact a: .*none\.bin cannot be read/,
    );
  });
});

describe('other sources', () => {
  it('takes a file from beside the pack', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'file', path: 'models/a.bin' });
    const options = optionsFor([artifact]);
    mkdirSync(join(options.packFolder, 'models'));
    writeFileSync(join(options.packFolder, 'models', 'a.bin'), bytes);
    await pull(options);
    expect(readFileSync(join(options.models, artifact.path)).equals(bytes)).toBe(true);
  });

  it('takes only the named member out of a tarball that is there already, and removes the tarball', async () => {
    const { artifact, downloads, models } = await tarballOf('package/model.bin', bytes);
    await pull(optionsFor([artifact], { downloads, models }));
    expect(readFileSync(join(models, artifact.path)).equals(bytes)).toBe(true);
    expect(readdirSync(downloads)).toEqual([]);
  });

  it('names the member that a tarball lacks', async () => {
    const { artifact, downloads, models } = await tarballOf('package/other.bin', bytes);
    await expect(pull(optionsFor([artifact], { downloads, models }))).rejects.toThrow(/has no package\/model\.bin/);
  });

  it('takes everything from a mirror without asking any source', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: 'http://127.0.0.1:1/' });
    const mirror = temporaryFolder();
    mkdirSync(dirname(join(mirror, artifact.path)), { recursive: true });
    writeFileSync(join(mirror, artifact.path), bytes);
    expect(await pull(optionsFor([artifact], { mirror }))).toEqual({ fetched: 1, present: 0, changed: [] });
  });

  it('trusts a mirror no more than any other source', async () => {
    const artifact = artifactOf('a', bytes, { kind: 'url', url: 'http://127.0.0.1:1/' });
    const mirror = temporaryFolder();
    writeFileSync(join(mirror, artifact.sha256), Buffer.alloc(bytes.length));
    await expect(pull(optionsFor([artifact], { mirror }))).rejects.toThrow(/the pack pins/);
  });
});

/** Puts another `npm` on PATH, for the time of one test: packages come from nowhere else in tests. */
function replaceNpm(script: string): void {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  onTestFinished(() => void (process.env['PATH'] = path));
}

const npmDelivers = (content: string) => replaceNpm(`for last; do :; done; printf '${content}' > "$last/made-1.0.0.tgz"`);
const npmSays = (text: string) => replaceNpm(`echo '${text}' >&2; exit 1`);

/** A tarball in the downloads folder, as an interrupted pull leaves it. */
async function tarballOf(member: string, content: Buffer) {
  const folder = temporaryFolder();
  const [downloads, models] = [join(folder, 'downloads'), join(folder, 'models')];
  mkdirSync(downloads);
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, member), content);
  await create({ file: join(folder, 'made.tgz'), cwd: folder, gzip: true }, [member]);
  const tarball = readFileSync(join(folder, 'made.tgz'));
  const sha256 = createHash('sha256').update(tarball).digest('hex');
  writeFileSync(join(downloads, `${sha256}.tgz`), tarball);
  const artifact = artifactOf('a', content, {
    kind: 'npm',
    package: 'made',
    version: '1.0.0',
    tarball_sha256: sha256,
    member: 'package/model.bin',
  });
  return { artifact, downloads, models };
}
