import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tracedProcesses } from './opens.ts';
import { freeAddress, type RealMesh, realMesh } from './realmesh.ts';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const ENGINE_PROGRAM = 'engine/child.ts';
const PATIENCE = { timeout: 180_000, interval: 500 };

interface Pack {
  readonly artifacts: readonly { readonly id: string; readonly path: string }[];
}
interface Verified {
  readonly ok: boolean;
  readonly findings: readonly { readonly code: string; readonly artifact: string | null }[];
}

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'smartlite-bytes-'));
  // A hard link would be a finding, so these are bytes of their own.
  cpSync(process.env['SMARTLITE_MODELS'] ?? join(CHECKOUT, '.smartlite', 'models'), join(home, 'models'), { recursive: true });
});
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const models = () => ({ SMARTLITE_MODELS: join(home, 'models') });
const ask = (mesh: RealMesh, ...more: string[]) =>
  mesh.smartlite('talk', join(CHECKOUT, 'ops/demo/goforward.wav'), '--out', join(home, 'reply.wav'), ...more);

/** Turns one bit in the middle of an artifact and sets its times back, as somebody would who does not want to be seen. */
function flipBit(path: string): void {
  const { atime, mtime } = statSync(path);
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

describe('a mesh whose system calls are watched', () => {
  it('opens each artifact once in the engine process that loads it, and never by a second path (verified-bytes)', async () => {
    const trace = mkdtempSync(join(tmpdir(), 'smartlite-strace-'));
    const calls = 'trace=execve,clone,clone3,open,openat,openat2';
    const command = [process.execPath, join(CHECKOUT, 'ops/cli/src/main.ts'), 'up', '--turn', '--once'];
    const addresses = { SMARTLITE_HTTP_ADDRESS: await freeAddress(), SMARTLITE_NATS_ADDRESS: await freeAddress() };
    const env = { PATH: process.env['PATH'], HOME: home, SMARTLITE_HOME: home, ...models(), ...addresses };
    const { stdout } = await promisify(execFile)(
      'strace',
      ['-ff', '-qq', '--seccomp-bpf', '-s', '1024', '-e', calls, '-o', join(trace, 't'), ...command],
      { env, cwd: CHECKOUT },
    );
    expect(stdout).toMatch(/go forward ten met/i);
    const { artifacts } = JSON.parse(readFileSync(join(CHECKOUT, 'ops/MODEL_PACK.json'), 'utf8')) as Pack;
    const names = new Set(artifacts.map(({ path }) => basename(path)));
    const engines = tracedProcesses(trace, 't').filter(({ program }) => program.includes(ENGINE_PROGRAM));
    const opened = engines.map((engine) => engine.opened.map((path) => basename(path)).filter((name) => names.has(name)));
    for (const files of opened) expect(files.toSorted()).toEqual([...new Set(files)].toSorted());
    expect(opened.flat()).toEqual(
      expect.arrayContaining(['encoder_model.onnx', 'silero_vad_v6.onnx', 'flite.wasm', 'nano-lite.gguf']),
    );
    rmSync(trace, { recursive: true, force: true });
  });
});

describe('a mesh that is started over a changed byte', () => {
  it('says so at once, loads nothing of it and answers nobody; and serves when the byte is back, or without a model that is missing (earned-release)', async () => {
    const artifact = join(home, 'models', 'moonshine-base', 'decoder_model_merged.onnx');
    flipBit(artifact);
    await using mesh = await realMesh({ home, environment: models() });
    expect(mesh.output()).toMatch(/The fleet is in safe mode/);
    expect(mesh.output()).toContain('moonshine-base-decoder');
    expect((await ask(mesh)).stderr).toMatch(/SAFE_MODE/);
    const { models: loaded } = await mesh.facts<{ models: readonly { id: string }[] }>('status');
    expect(loaded.map(({ id }) => id)).not.toContain('moonshine-base');
    const refused = await mesh.smartlite('verify', '--json');
    expect(refused.code).toBe(1);
    expect((JSON.parse(refused.stdout) as Verified).findings).toMatchObject([{ artifact: 'moonshine-base-decoder' }]);

    flipBit(artifact);
    await expect.poll(async () => (await ask(mesh)).stdout, PATIENCE).toMatch(/go forward ten met/i);
    expect((await mesh.facts<Verified>('verify')).ok).toBe(true);

    rmSync(join(home, 'models', 'nano-lite', 'nano-lite.gguf'));
    const answeredBy = async () =>
      JSON.parse((await ask(mesh, '--json', '--tier', 'lite')).stdout || '{}') as { servedBy?: object };
    await expect.poll(answeredBy, PATIENCE).toMatchObject({ servedBy: { llm: { model: 'phrasebook' } } });
  });
});
