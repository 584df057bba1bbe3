import { type GenerateRequest, MeshError } from '@smartlite/contracts';

/** Messages of one conversation, and characters in all, that a call may carry. Models read far less; this bounds the work of refusing. */
const MESSAGES_MAX = 64;
const CHARACTERS_MAX = 32_768;
const TEMPERATURE_MAX = 2;

/** Throws `invalid-argument`, naming the place, for a question that no model could be asked. */
export function validate({ messages, temperature }: Pick<GenerateRequest, 'messages'> & { readonly temperature?: number }): void {
  const refuse = (what: string) => {
    throw new MeshError('invalid-argument', what);
  };
  if (messages.length === 0) refuse('messages: at least one message is required');
  if (messages.length > MESSAGES_MAX) refuse(`messages: ${messages.length} messages; ${MESSAGES_MAX} at most`);
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (characters > CHARACTERS_MAX) refuse(`messages: ${characters} characters in all; ${CHARACTERS_MAX} at most`);
  const odd = messages.findIndex(({ role }) => !['system', 'user', 'assistant'].includes(role));
  if (odd >= 0) refuse(`messages[${odd}].role: give system, user or assistant`);
  if (messages.at(-1)?.role !== 'user') refuse("messages: the last one must be the user's");
  if (temperature !== undefined && !(temperature >= 0 && temperature <= TEMPERATURE_MAX))
    refuse(`temperature: give 0 to ${TEMPERATURE_MAX}`);
}
