import { Command } from 'commander';
import { report } from './report.ts';
import { registerClients } from './verbs/clients.ts';
import { registerDoctor } from './verbs/doctor.ts';
import { registerDown } from './verbs/down.ts';
import { registerModels } from './verbs/models.ts';
import { registerStatus } from './verbs/status.ts';
import { registerTalk } from './verbs/talk.ts';
import { registerTrace } from './verbs/trace.ts';
import { registerUp } from './verbs/up.ts';

const program = new Command('smartlite')
  .description('A self-hosted voice mesh in which no model answers unless every byte of it matches a signed lock.')
  .option('--debug', 'show where an error came from')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();
const verbs = [
  registerUp,
  registerDown,
  registerStatus,
  registerTalk,
  registerModels,
  registerDoctor,
  registerTrace,
  registerClients,
];
for (const register of verbs) register(program);

try {
  await program.parseAsync();
} catch (caught) {
  process.exitCode = report(caught, { debug: program.opts<{ debug?: boolean }>().debug === true });
}
