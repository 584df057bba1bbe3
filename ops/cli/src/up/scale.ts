import { SERVICES, type ServiceName } from '@smartlite/contracts';
import { Problem } from '../problem.ts';

/** Each instance is a process with its models; more than this on one machine is a typing error. */
const INSTANCES_MAX = 16;

/** Parses `asr=2,tts=3`. The gateway has one address, so there is one of it; 0 leaves a service to another host of the same NATS. */
export function parseScale(text: string | undefined): Partial<Record<ServiceName, number>> {
  const scale: Partial<Record<ServiceName, number>> = {};
  for (const part of (text ?? '').split(',').filter(Boolean)) {
    const [name = '', count = ''] = part.split('=');
    const service = SERVICES.find((candidate) => candidate === name);
    if (service === undefined) throw refuse(part, `there is no service "${name}"; there are ${SERVICES.join(', ')}`);
    if (!/^\d+$/.test(count) || Number(count) > INSTANCES_MAX)
      throw refuse(part, `"${count}" is no number from 0 to ${INSTANCES_MAX}`);
    if (service === 'gateway' && Number(count) !== 1) throw refuse(part, 'one address has one gateway');
    scale[service] = Number(count);
  }
  return scale;
}

function refuse(part: string, because: string): Problem {
  return new Problem(`--scale ${part}: ${because}.`, 'Write for example --scale asr=2,tts=3.', { exitCode: 2 });
}
