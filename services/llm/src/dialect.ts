import type { ChatMessage } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';
import { asReadByNano } from './conversation.ts';
import { withToolPrompt } from './toolanswer.ts';

/** A model's settings in the pack. */
export function settingsOf(pack: Pack, model: string): Readonly<Record<string, unknown>> {
  return pack.models.find(({ id }) => id === model)?.settings ?? {};
}

/** A conversation as a model of this dialect is given it. */
export function asReadBy(dialect: unknown, messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (dialect === 'nano') return asReadByNano(messages);
  return dialect === 'tools' ? withToolPrompt(messages) : messages;
}

/** `nano`: the embedded models. `tools`: an instruct model that is told of the tools. None: plain chat. */
export function dialectOf(pack: Pack, model: string): unknown {
  return settingsOf(pack, model)['dialect'];
}
