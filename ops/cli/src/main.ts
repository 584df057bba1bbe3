import { Command } from 'commander';
import { report } from './report.ts';
import { registerAudit } from './verbs/audit.ts';
import { registerBudget } from './verbs/budget.ts';
import { registerClients } from './verbs/clients.ts';
import { registerDoctor } from './verbs/doctor.ts';
import { registerDown } from './verbs/down.ts';
import { registerKeys } from './verbs/keys.ts';
import { registerModels } from './verbs/models.ts';
import { registerPlan } from './verbs/plan.ts';
import { registerSbom } from './verbs/sbom.ts';
import { registerSign } from './verbs/sign.ts';
import { registerSafeMode } from './verbs/safe-mode.ts';
import { registerStatus } from './verbs/status.ts';
import { registerTalk } from './verbs/talk.ts';
import { registerTrace } from './verbs/trace.ts';
import { registerUp } from './verbs/up.ts';
import { registerWatch } from './verbs/watch.ts';
import { registerVerify } from './verbs/verify.ts';

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
  registerVerify,
  registerSign,
  registerKeys,
  registerSbom,
  registerModels,
  registerDoctor,
  registerPlan,
  registerTrace,
  registerAudit,
  registerClients,
  registerBudget,
  registerSafeMode,
  registerWatch,
];
for (const register of verbs) register(program);

try {
  await program.parseAsync();
} catch (caught) {
  process.exitCode = report(caught, { debug: program.opts<{ debug?: boolean }>().debug === true });
}
