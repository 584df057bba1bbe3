import { Command } from 'commander';
import own from '../package.json' with { type: 'json' };
import { report } from './report.ts';

/** Each verb's module is read when it is called: a command starts in half the time. The order is that of the help. */
const VERBS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  up: async () => (await import('./verbs/up.ts')).registerUp,
  down: async () => (await import('./verbs/down.ts')).registerDown,
  status: async () => (await import('./verbs/status.ts')).registerStatus,
  talk: async () => (await import('./verbs/talk.ts')).registerTalk,
  verify: async () => (await import('./verbs/verify.ts')).registerVerify,
  sign: async () => (await import('./verbs/sign.ts')).registerSign,
  keys: async () => (await import('./verbs/keys.ts')).registerKeys,
  sbom: async () => (await import('./verbs/sbom.ts')).registerSbom,
  scan: async () => (await import('./verbs/scan.ts')).registerScan,
  models: async () => (await import('./verbs/models.ts')).registerModels,
  doctor: async () => (await import('./verbs/doctor.ts')).registerDoctor,
  plan: async () => (await import('./verbs/plan.ts')).registerPlan,
  trace: async () => (await import('./verbs/trace.ts')).registerTrace,
  audit: async () => (await import('./verbs/audit.ts')).registerAudit,
  clients: async () => (await import('./verbs/clients.ts')).registerClients,
  budget: async () => (await import('./verbs/budget.ts')).registerBudget,
  'safe-mode': async () => (await import('./verbs/safe-mode.ts')).registerSafeMode,
  watch: async () => (await import('./verbs/watch.ts')).registerWatch,
};

// Whoever read what is printed may have left, as `head` does when it has enough: what is under way comes to its end all the same.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EPIPE') throw fault;
  });

const program = new Command('smartlite')
  .description('A self-hosted voice mesh in which no model answers unless every byte of it matches a signed lock.')
  .version(own.version, '--version', 'print the version')
  .option('--debug', 'show where an error came from')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
try {
  const [verb = ''] = process.argv.slice(2).filter((argument) => argument !== '--debug');
  // Help, and a word that is no verb, need them all.
  const wanted = Object.hasOwn(VERBS, verb) ? [VERBS[verb]] : Object.values(VERBS);
  for (const load of wanted) (await load?.())?.(program);
  await program.parseAsync();
} catch (caught) {
  process.exitCode = report(caught, { debug: program.opts<{ debug?: boolean }>().debug === true });
}
