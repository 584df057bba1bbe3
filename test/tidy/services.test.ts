import { SERVICES } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { listFiles, read } from './sources.ts';

const SHAPE = ['README.md', 'package.json', 'src/main.ts', 'src/service.ts', 'src/config.ts', 'src/engine.ts'];
/** An import, a blank line, and the one call; a comment may stand above. */
const MAIN_LINES_MAX = 5;
/** The table of contents of a service fits on one large screen. */
const SERVICE_LINES_MAX = 160;

const files = listFiles();

describe.each(SERVICES)('the service %s', (service) => {
  const own = files.filter((path) => path.startsWith(`services/${service}/`));

  it('has the shape of every service', () => {
    expect(SHAPE.filter((file) => !own.includes(`services/${service}/${file}`))).toEqual([]);
  });

  it('is specified by tests beside its code', () => {
    expect(own.some((path) => path.endsWith('.test.ts'))).toBe(true);
  });

  it('is started by a main of two lines', () => {
    const { text } = read(`services/${service}/src/main.ts`);
    expect(text.trim().split('\n').length).toBeLessThanOrEqual(MAIN_LINES_MAX);
    expect(text).toMatch(/run\(/);
  });

  it('stands on one screen', () => {
    expect(read(`services/${service}/src/service.ts`).text.split('\n').length).toBeLessThanOrEqual(SERVICE_LINES_MAX);
  });

  it('says in its README what it does in safe mode', () => {
    expect(read(`services/${service}/README.md`).text).toMatch(/safe mode/i);
  });
});
