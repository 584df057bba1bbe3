import { readFile, writeFile } from 'node:fs/promises';
import { LogFault, verifyProof } from '@smartlite/tlog';
import { type AnswerReceipt, roleTrust, shown } from '@smartlite/trust';
import type { Command } from 'commander';
import { ask, ASK_MAX } from '../audit/ask.ts';
import { readAnswer } from '../audit/answer.ts';
import { lockOf } from '../audit/lock.ts';
import { findLog, type LogOptions, type LogPlace, readKeyFile } from '../audit/place.ts';
import { judgeReceipt } from '../audit/receipt.ts';
import { entryIn, type Found, prove, search } from '../audit/search.ts';
import { type LogVerification, verifyLog } from '../audit/verify.ts';
import { parseIsoTime } from '../isotime.ts';
import { Problem } from '../problem.ts';
import { progressBar } from '../progress.ts';
import { findPlace } from '../up/place.ts';

interface Json {
  readonly json?: boolean;
}
interface QueryOptions extends LogOptions, Json {
  readonly id?: string;
  readonly trace?: string;
  readonly service?: string;
  readonly kind?: string;
  readonly actor?: string;
  readonly before?: string;
  readonly remote?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
}
interface VerifyOptions extends LogOptions, Json {
  readonly proof?: string;
  readonly checkpoint?: string;
}
interface ProveOptions extends LogOptions, Json {
  readonly out?: string;
  readonly receipt?: string;
  readonly question?: string;
  readonly lock?: string;
  readonly pack?: string;
}

/** An answer names its entry before it is logged, which takes milliseconds; a proof waits for it this long. */
const PROOF_WAIT_MS = 10_000;
const PROOF_LOOK_MS = 250;
/** The bar moves after so many entries. */
const PROGRESS_STEP = 4_096;

/** `smartlite audit query|verify|prove`: exit 0 for yes, 1 for any finding or nothing found, 2 for misuse or unreadable input. */
export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('the trail: search it, verify the whole log, prove one entry');
  const withLog = (command: Command) =>
    command
      .option('--log <folder>', 'the log’s files, instead of this machine’s own log')
      .option('--key <file>', 'the log’s public key (log.vkey)')
      .option('--trust <file>', 'the fleet’s trust document: whose signatures on entries and receipts count')
      .option('--region <region>', 'which of this machine’s logs', 'local')
      .option('--json', 'print JSON');
  withLog(audit.command('query'))
    .description('entries that match, the newest first; one JSON object a line with --json')
    .option('--id <id>', 'the one entry of this id')
    .option('--trace <id>', 'entries of one request')
    .option('--service <name>', 'entries of one service')
    .option('--kind <kind>', 'for example turn.answered, or a whole family: verification')
    .option('--actor <who>', 'what this user or operator asked for, for example acme/ann')
    .option('--before <index>', 'only entries below this index: the next page')
    .option('--remote', 'ask the running audit service instead of reading its files')
    .option('--since <iso>', 'not older than')
    .option('--until <iso>', 'not newer than')
    .option('--limit <count>', 'at most so many', '100')
    .action(query);
  withLog(audit.command('verify'))
    .description('check the whole log offline, with its public key alone; or one proof')
    .option('--proof <file>', 'check this proof file instead of the log')
    .option('--checkpoint <file>', 'a checkpoint that came by another way: the log must still begin with it')
    .action(verify);
  withLog(audit.command('prove'))
    .argument('[id]', 'id of an entry, as a turn prints it')
    .description('write one file that proves an entry offline; or check the receipt of an answer against log and lock')
    .option('--receipt <file>', 'check this receipt: bare, or in the JSON of an answer (talk --json)')
    .option('--question <file>', 'with --receipt: the audio that was sent, byte for byte')
    .option('--lock <file>', 'with --receipt: the lock it names, instead of this machine’s own')
    .option('--pack <file>', 'with --receipt: the pack of that lock')
    .option('--out <file>', 'where to write it; <id>.tlog-proof when not given')
    .action(proveEntry);
}

async function query(options: QueryOptions): Promise<void> {
  const place = findPlace();
  const [fromUnixMs, toUnixMs] = [timeOf(options.since, '--since'), timeOf(options.until, '--until')];
  const limit = countOf(options.limit, '--limit');
  const before = options.before === undefined ? undefined : countOf(options.before, '--before');
  const { id, trace, service, kind, actor } = options;
  const given = { id, trace, service, kind, actor, before, fromUnixMs, toUnixMs };
  const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (options.remote && limit > ASK_MAX)
    throw new Problem(`--limit ${limit} is more than the service gives at once.`, `Ask for ${ASK_MAX}, then on with --before.`, {
      exitCode: 2,
    });
  const matching = options.remote
    ? await ask(place, options.region, filter, limit)
    : search(await findLog(place, options), filter);
  let found = 0;
  let last = 0;
  await proven(async () => {
    for await (const each of matching) {
      console.log(options.json ? JSON.stringify({ index: each.index, ...each.entry }) : lineOf(each));
      last = each.index;
      if ((found += 1) >= limit) break;
    }
  });
  if (found >= limit && last > 0 && !options.json) console.error(`The next page: --before ${last}`);
  if (found > 0) return;
  process.exitCode = 1;
  if (!options.json) console.error('No entry matches.');
}

async function verify(options: VerifyOptions): Promise<void> {
  if (options.proof !== undefined) return verifyOne(options.proof, options);
  const log = await findLog(findPlace(), options);
  const head = Buffer.from((await log.files.read('checkpoint')) ?? []).toString('utf8');
  const progress = progressBar(Number(head.split('\n')[1]) || 0, 'entries');
  const onEntry = (index: number) => void (index % PROGRESS_STEP === 0 && progress.at(index, log.key.name));
  const startedMs = performance.now();
  const checked = await proven(() =>
    verifyLog(log, { onEntry, ...(options.checkpoint !== undefined && { checkpoint: options.checkpoint }) }),
  ).finally(() => progress.stop());
  if (!checked.ok) process.exitCode = 1;
  print(checked, Math.round(performance.now() - startedMs), options);
}

function print({ ok, origin, entries, checkpoint, findings }: LogVerification, tookMs: number, { json }: Json): void {
  if (json) {
    const root = checkpoint ? Buffer.from(checkpoint.root).toString('base64') : null;
    return console.log(JSON.stringify({ ok, origin, size: checkpoint?.size ?? 0, root, entries, findings, tookMs }));
  }
  for (const { code, message } of findings) console.log(printable(`${code}: ${message}.`));
  console.log(
    ok
      ? `${origin}: all ${entries} entries are what was logged, under a checkpoint signed by its key (${tookMs} ms).`
      : `${origin}: the log is not what was logged; ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.`,
  );
}

async function verifyOne(file: string, options: VerifyOptions): Promise<void> {
  const key = options.key === undefined ? (await findLog(findPlace(), options)).key : await readKeyFile(options.key);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Problem(`${file}: the proof cannot be read.`, 'npx smartlite audit prove ID writes one.', { exitCode: 2, cause });
  });
  const { entry, index, checkpoint } = await proven(() => verifyProof(text, key, file));
  const said = await proven(() => entryIn(entry, `entry ${index}`));
  if (options.json)
    console.log(JSON.stringify({ ok: true, origin: checkpoint.origin, index, size: checkpoint.size, entry: said }));
  else
    console.log(
      `Proven: this is entry ${index} of ${checkpoint.size} in ${checkpoint.origin}.\n${lineOf({ index, entry: said })}`,
    );
}

async function proveEntry(id: string | undefined, options: ProveOptions): Promise<void> {
  if (options.receipt !== undefined) return checkReceipt(options.receipt, options);
  if (id === undefined)
    throw new Problem('What is to be proven?', 'Name the id of an entry, or a receipt: --receipt FILE.', { exitCode: 2 });
  const log = await findLog(findPlace(), options);
  const text = await proofWithin(log, id, PROOF_WAIT_MS);
  if (text === undefined)
    throw new Problem(
      `The log holds no entry "${id}".`,
      'npx smartlite audit query shows the newest; is the mesh up, so that entries are logged?',
    );
  // What is handed out is checked first, as its receiver will.
  const { index, checkpoint } = await proven(() => verifyProof(text, log.key));
  const file = options.out ?? `${id}.tlog-proof`;
  await writeFile(file, text).catch((cause: unknown) => {
    throw new Problem(`${file} cannot be written.`, 'Name another file with --out.', { exitCode: 2, cause });
  });
  if (options.json) console.log(JSON.stringify({ file, id, index, size: checkpoint.size, origin: checkpoint.origin }));
  else console.log(`${file} proves entry ${index} of ${checkpoint.size} in ${checkpoint.origin}.`);
}

/** The proof of an entry that may still be on its way; undefined where it does not come. */
function proofWithin(log: LogPlace, id: string, waitMs: number): Promise<string | undefined> {
  return proven(async () => {
    for (const untilMs = performance.now() + waitMs; ; ) {
      const proof = await prove(log, id);
      if (proof !== undefined || performance.now() > untilMs) return proof;
      await new Promise((resolve) => setTimeout(resolve, PROOF_LOOK_MS));
    }
  });
}

async function checkReceipt(file: string, options: ProveOptions): Promise<void> {
  const place = findPlace(process.env, { pack: options.pack });
  const log = await findLog(place, options);
  if (!log.trust) throw new Problem('Whose receipts count?', 'Name the fleet’s trust document: --trust FILE.', { exitCode: 2 });
  const { unproven, salt, output } = await readAnswer(file);
  const { receipt } = unproven;
  // Until its deadline it is a promise, which may still be kept.
  const proof = await proofWithin(log, receipt.entry, Math.min(PROOF_WAIT_MS, Math.max(0, receipt.dueUnixMs - Date.now())));
  const logged = proof === undefined ? undefined : await proven(() => verifyProof(proof, log.key));
  const request = options.question === undefined ? {} : { audio: await readQuestion(options.question) };
  if (options.question !== undefined && salt === undefined)
    throw new Problem(`${file} holds no salt.`, 'Keep the whole answer: the salt came with the receipt.', { exitCode: 2 });
  const findings = judgeReceipt(unproven, {
    trust: roleTrust(log.trust),
    certificate: await certificateOf(log, receipt),
    entry: logged && { said: entryIn(logged.entry, `entry ${logged.index}`), bytes: logged.entry },
    lock: await lockOf({ ...place, lock: options.lock ?? place.lock }, log.trust),
    nowUnixMs: Date.now(),
    own: salt === undefined ? undefined : { salt, request, output },
  });
  if (findings.length > 0) process.exitCode = 1;
  const facts = { index: logged?.index ?? null, size: logged?.checkpoint.size ?? null, origin: log.key.name };
  if (options.json) return console.log(JSON.stringify({ ok: findings.length === 0, findings, receipt, ...facts }));
  for (const { code, message } of findings) console.log(`${code}: ${message}.`);
  if (findings.length > 0) return console.log('The receipt is not to be relied on.');
  for (const { stage, model, tier, role, because, order, lock } of receipt.stages)
    console.log(`${stage}: ${model} (${tier}, ${role}) under ${lock} at order ${order}; ${because || 'no reason given'}`);
  if (logged)
    console.log(
      `Proven: ${receipt.instance} says so, and entry ${logged.index} of ${logged.checkpoint.size} in ${log.key.name} says the same.`,
    );
  else console.log(`Promised: ${receipt.instance} says so; its entry is due by ${new Date(receipt.dueUnixMs).toISOString()}.`);
}

/** The certificate of the boot that gave a receipt, from the boot's first entry. */
async function certificateOf(log: LogPlace, { instance, boot }: AnswerReceipt): Promise<Uint8Array | undefined> {
  for await (const { entry } of search(log, { id: `${instance}.${boot}.1` }))
    return Buffer.from(String(entry.facts['certificate'] ?? ''));
  return undefined;
}

async function readQuestion(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw new Problem(`${file} cannot be read.`, 'Name the audio file that was sent.', { exitCode: 2, cause });
  });
}

/** A fault of the log or of a proof is the answer "no"; what is no proof at all is unreadable input. */
async function proven<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof LogFault)) throw cause;
    const exitCode = cause.code === 'PROOF_MALFORMED' ? 2 : 1;
    throw new Problem(printable(`${cause.code}: ${cause.message}.`), 'Do not rely on it.', { exitCode, cause });
  }
}

function lineOf({ index, entry }: Pick<Found, 'index' | 'entry'>): string {
  const facts = Object.entries(entry.facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const { atUnixMs, kind, producer, actor, traceId, id } = entry;
  return printable(
    `${String(index).padStart(6)} ${new Date(atUnixMs).toISOString()} ${kind.padEnd(20)} ${producer} by ${actor} ${facts.join(' ')}${traceId ? ` trace=${traceId}` : ''} id=${id}`,
  );
}

/** Whoever wrote it: what would steer the reader's terminal is shown, not done. */
function printable(text: string): string {
  return shown(text, text.length);
}

function timeOf(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : parseIsoTime(text, option);
}

function countOf(text: string, option: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new Problem(`${option} ${text} is no number.`, `Write for example ${option} 20.`, { exitCode: 2 });
  return Number(text);
}
