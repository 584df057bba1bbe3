import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const COMMAND = join(CHECKOUT, 'ops', 'cli', 'src', 'main.ts');
/** Output of a command that a test looks at. */
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2;

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A mesh of its own home, ports and trust domain, with every process and model real; run by the `smartlite` command as a user would. */
export interface RealMesh extends AsyncDisposable {
  readonly home: string;
  /** Of `smartlite up`; everything else of the mesh is its child. */
  readonly pid: number;
  readonly gateway: string;
  readonly apiKey: string;
  readonly nats: { readonly url: string; readonly user: string; readonly pass: string };
  /** Runs `smartlite` against this mesh. */
  smartlite(...words: string[]): Promise<Ran>;
  /** The same, with the object that `--json` prints. Throws with what was said on stderr when it fails. */
  facts<T>(...words: string[]): Promise<T>;
  /** What `smartlite up` has said so far. */
  output(): string;
}

export interface RealMeshOptions {
  /** Words after `smartlite up`, for example `--scale`. */
  readonly up?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A home that an earlier mesh has left; a new one, removed at the end, unless told. */
  readonly home?: string;
}

/** Starts a mesh and waits until `smartlite up` says that it is up. Rejects with its output when it ends before. */
export async function realMesh({ up = [], environment = {}, home: given }: RealMeshOptions = {}): Promise<RealMesh> {
  const home = given ?? mkdtempSync(join(tmpdir(), 'smartlite-mesh-'));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    SMARTLITE_HOME: home,
    SMARTLITE_MODELS: process.env['SMARTLITE_MODELS'] ?? join(CHECKOUT, '.smartlite', 'models'),
    SMARTLITE_HTTP_ADDRESS: await freeAddress(),
    SMARTLITE_NATS_ADDRESS: await freeAddress(),
    ...environment,
  };
  const child = fork(COMMAND, ['up', ...up], { env, cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const output = gather(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
    if (given === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  const smartlite = (...words: string[]) => run(words, env);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      void exited.then(() => reject(new Error(`smartlite up ended before the mesh was up:\n${output()}`)));
    });
    return {
      home,
      pid: child.pid ?? 0,
      gateway: `http://${env.SMARTLITE_HTTP_ADDRESS}`,
      apiKey: readFileSync(join(home, 'keys', 'api-key'), 'utf8').trim(),
      nats: { url: `nats://${env.SMARTLITE_NATS_ADDRESS}`, ...credentialsOf(home) },
      smartlite,
      facts: async <T>(...words: string[]) => JSON.parse(printed(await smartlite(...words, '--json'))) as T,
      output,
      [Symbol.asyncDispose]: end,
    };
  } catch (caught) {
    await end();
    throw caught;
  }
}

/** Runs `smartlite` to its end, whatever its exit code. */
export function run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [COMMAND, ...words],
      { env, cwd: CHECKOUT, maxBuffer: OUTPUT_BYTES_MAX },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

/** An address of this machine that nobody listens on at this moment. */
export function freeAddress(): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });
}

function gather(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

function printed({ code, stdout, stderr }: Ran): string {
  if (code === 0) return stdout;
  throw new Error(`smartlite ended with ${code}:\n${stderr}`);
}

/** The command line's own user of the mesh's NATS. */
function credentialsOf(home: string): { readonly user: string; readonly pass: string } {
  const mesh = JSON.parse(readFileSync(join(home, 'run', 'mesh.json'), 'utf8')) as { nats: { credentials: string } };
  const { user, password } = JSON.parse(readFileSync(mesh.nats.credentials, 'utf8')) as { user: string; password: string };
  return { user, pass: password };
}
