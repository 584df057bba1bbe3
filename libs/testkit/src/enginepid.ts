import type { ServiceProcess } from './process.ts';

/** The process of a model's engine, as its service has last told its log. */
export function enginePid(service: Pick<ServiceProcess, 'output'>, model: string): number {
  const line = service
    .output()
    .split('\n')
    .findLast((each) => each.includes('model loaded') && each.includes(`"model":"${model}"`));
  return Number(/"pid":(\d+),"tookMs"/.exec(line ?? '')?.[1] ?? 0);
}
