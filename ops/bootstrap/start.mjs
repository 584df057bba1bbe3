// `npm start`: sets up what is missing, then runs the mesh and one recorded turn. Arguments go to `smartlite up`.
import { runForeground } from './child.mjs';
import { COMMAND, ROOT } from './place.mjs';
import { mainOf } from './problem.mjs';
import { setUp } from './setup.mjs';

await mainOf(async () => {
  const env = await setUp({ forTests: false });
  return runForeground('node', [COMMAND, 'up', '--turn', ...process.argv.slice(2)], { cwd: ROOT, env });
});
