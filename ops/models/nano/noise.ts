import { NOUNS, PROPERTIES, VERBS } from './intents/outside-words.ts';
import { expand } from './pattern.ts';
import type { Chance } from './random.ts';
import { madeUpWord } from './words.ts';

const OPENERS = ['hey', 'ok', 'okay', 'so', 'well', 'hello', 'hi', 'hey smartlite', 'smartlite', 'now', 'alright', 'excuse me', 'sorry', 'please', 'listen', 'oh', 'and', 'yes', 'actually', 'good', 'quick question', 'hello smartlite', 'ok smartlite', 'right', 'then', 'computer', 'tell me', 'one question', 'but', 'i guess', 'look', 'just', 'also', 'wait'];
const REQUESTS = ['can you', 'could you', 'would you', 'will you', 'can you please', 'could you please', 'would you please', 'please', 'please', 'i want you to', 'i need you to', 'i would like you to', 'just', 'go ahead and', 'it would be nice if you could', 'i would be glad if you could', 'do me a favor and', 'you can', 'you should', 'now', 'try to', 'be so kind and', 'would you be so kind as to', 'quickly', 'i ask you to', 'can you maybe', 'could you just', 'may i ask you to', 'i am asking you to', 'are you able to', 'is it possible to', 'you may', 'kindly', 'can we', 'let us', 'let me have you', 'what if you', 'why do you not', 'i was hoping you could', 'any chance you could', 'be a dear and', 'feel free to', 'first', 'how about you', 'if you could', 'when you have a moment', 'you must', 'you have to', 'ok now', 'i think you should', 'maybe you could'];
const ASKING = ['can you tell me', 'could you tell me', 'tell me', 'do you know', 'i want to know', 'i would like to know', 'i need to know', 'i was wondering', 'i am wondering', 'please tell me', 'i wonder', 'would you know', 'say', 'quickly', 'let me know', 'can you say', 'do you happen to know', 'could you please tell me', 'i would love to know', 'help me', 'may i ask', 'can i ask', 'i have a question', 'my question is', 'please', 'remind me', 'any idea', 'can you find out', 'find out', 'i forgot', 'i am curious', 'explain to me', 'be honest', 'i do not know', 'i am not sure', 'would you mind telling me', 'could you say', 'are you able to tell me', 'you know'];
const TAILS = ['please', 'please', 'thanks', 'thank you', 'for me', 'now', 'right now', 'quickly', 'if you can', 'if you do not mind', 'will you', 'would you', 'ok', 'okay', 'then', 'my friend', 'smartlite', 'at once', 'when you can', 'pretty please', 'can you', 'could you', 'for me please', 'do you know', 'tell me', 'i wonder', 'or what', 'by the way', 'actually', 'again', 'real quick', 'mate', 'buddy', 'dear', 'first', 'before i forget', 'while you are at it', 'if that is okay', 'any idea', 'you know', 'i mean', 'right', 'yeah', 'sir', 'man'];

/** Puts the politeness of speech around a request (`!`), a question (`?`) or a phrase; the mark is taken off. */
export function wrap(marked: string, chance: Chance): string {
  const mark = marked[0];
  let text = mark === '!' || mark === '?' ? marked.slice(1) : marked;
  if (mark === '!' && chance.happens(0.4)) text = inRequest(text, chance);
  else if (mark === '?' && chance.happens(0.3)) text = `${chance.pick(ASKING)} ${text}`;
  if (mark !== undefined && chance.happens(0.2)) text = `${chance.pick(OPENERS)} ${text}`;
  return chance.happens(0.22) ? `${text} ${chance.pick(TAILS)}` : text;
}

function inRequest(text: string, chance: Chance): string {
  if (chance.happens(0.12)) return `${chance.pick(['would you mind', 'do you mind', 'how about', 'what about', 'can i bother you with', 'i suggest'])} ${gerund(text)}`;
  return `${chance.pick(REQUESTS)} ${text}`;
}

const DOUBLED = new Set(['set', 'put', 'get', 'stop', 'cut', 'spin', 'flip', 'run', 'begin', 'shut', 'hum', 'rap', 'step', 'drop', 'let', 'dim', 'scrap', 'skip', 'quit', 'sum', 'swim']);

/** "turn it on" as "turning it on". */
function gerund(request: string): string {
  const [verb = '', ...rest] = request.split(' ');
  const stem = DOUBLED.has(verb) ? verb + verb.at(-1) : verb.endsWith('e') && !verb.endsWith('ee') ? verb.slice(0, -1) : verb;
  return [`${stem}ing`, ...rest].join(' ');
}

const LIGHT_WORDS = new Set(['the', 'a', 'an', 'is', 'to', 'of', 'for', 'me', 'do', 'are', 'in', 'please', 'my', 'you', 'it', 'on']);
/** Words that never double, drop or change: they decide what is meant. */
const DECIDING = new Set(['on', 'off', 'to', 'in', 'not', 'for']);
const HOMOPHONES = new Map(
  Object.entries({ the: ['a', 'uh'], a: ['the'], is: ['his', 'as'], are: ['our', 'or'], and: ['an', 'in'], what: ['but', 'watt', 'what what'], time: ['thyme', 'times'], your: ['you are'], there: ['their'], hour: ['our'], of: ['off', 'a'], timer: ['time or', 'time', 'timers'], know: ['no'], by: ['bye', 'buy'], weight: ['wait'], write: ['right'], mile: ['miles'], meters: ['meter'], minute: ['minutes'], minutes: ['minute'], tell: ['tail'], turn: ['turned', 'term'], set: ['said', 'sit'], lights: ['light'], flip: ['slip'], coin: ['coins', 'going'], roll: ['role'], dice: ['ice', 'twice'], plus: ['plus'], spell: ['spells', 'spelled'], how: ['who'], many: ['money'], does: ['dose'], date: ['day'], mesh: ['mash', 'match'], smartlite: ['smart light', 'smart lite'], switch: ['which'], status: ['state us'], cancel: ['council', 'canceled', 'cancels'], count: ['account', 'counts', 'counted'], repeat: ['repeats', 'repeated', 're peat'], divided: ['divide it', 'divide', 'device'], multiplied: ['multiply'], times: ['time', 'tides'], minus: ['minors', 'my nose'], percent: ['per cent', 'present'], convert: ['covert', 'converts'], tokens: ['token', 'talking'], budget: ['but get', 'budge it'], choose: ['chews', 'shoes', 'chose'], joke: ['choke', 'yoke', 'jokes'], hello: ['hallo', 'yellow', 'below'], thanks: ['tanks', 'thank'], thank: ['think'], goodbye: ['good by', 'good buy'], right: ['write'], tier: ['tear', 'here', 'tears'], mode: ['mowed', 'mold', 'moat'], safe: ['save', 'saved'], again: ['against', 'a gain'], left: ['lift'], forward: ['four word', 'foreword'], heads: ['head', 'has'], tails: ['tales', 'tail'], toss: ['tossed', 'talks'], day: ['they', 'days'], week: ['weak'], can: ['and', 'could', 'ken'], could: ['good', 'can'], would: ['wood', 'good'], me: ['my', 'be'], my: ['me', 'by'], which: ['witch', 'rich'], add: ['at', 'had', 'and', 'ad'], from: ['form', 'front'], hear: ['here'], here: ['hear'], made: ['maid', 'make'], remind: ['remain', 'rewind'], alarm: ['arm', 'alarms'], close: ['clothes', 'closed', 'clothe'], open: ['opened', 'hoping'], dim: ['them', 'dime'], raise: ['rays'], say: ['stay', 'said'], said: ['say', 'set'], did: ['do', 'dead'], word: ['world', 'words'], letters: ['letter'], numbers: ['number'], this: ['these', 'his'], that: ['the', 'at'], have: ['half', 'had'], need: ['kneed', 'knead'], want: ['won', 'what'], split: ['spit', 'splits'], share: ['shared', 'chair'], each: ['eat', 'reach'], take: ['taking', 'takes'], bored: ['board'], sing: ['sink', 'seeing'], lock: ['log', 'look', 'locks'], verified: ['very fine', 'verify'], models: ['model', 'muddles'], assistant: ['assistance'], name: ['names', 'aim'], old: ['all', 'hold'], good: ['could', 'would'], morning: ['mourning'], night: ['knight', 'nights'], fine: ['find'], well: ['will', 'while'], tomorrow: ['to morrow'], yesterday: ['yes today'], clock: ['clocks', 'lock'], now: ['no', 'know'] }),
);

/** What recognisers get wrong: light words lost or doubled, words swapped for others that sound alike. */
export function mishear(text: string, chance: Chance, keep: ReadonlySet<string>): string {
  const once = mishearOnce(text, chance, keep);
  return chance.happens(AGAIN_SHARE) ? mishearOnce(once, chance, keep) : once;
}

/** Where a recogniser slips once it often slips twice. */
const AGAIN_SHARE = 0.3;

function mishearOnce(text: string, chance: Chance, keep: ReadonlySet<string>): string {
  const words = text.split(' ');
  if (words.length < 3) return text;
  const at = chance.between(0, words.length - 1);
  const word = words[at] ?? '';
  if (keep.has(word)) return text;
  const kind = chance.real();
  if (kind < 0.45 && LIGHT_WORDS.has(word) && !DECIDING.has(word)) words.splice(at, 1);
  else if (kind < 0.6) words.splice(at, 0, DECIDING.has(word) ? 'like' : word);
  else if (kind < 0.9) words[at] = chance.pick(HOMOPHONES.get(word) ?? [word]);
  else words.splice(at, 0, chance.pick(['like', 'you know', 'well', 'the', 'a', 'i mean', 'so', 'just', 'maybe', 'kind of', 'really', 'actually']));
  return words.join(' ');
}

const REASONS = [
  'i am {v}ing [the {n}|a {n}|right now]', 'my {n} is {a}', 'it is [so|too|very] {a} [in here|here|today]', 'i am [so|very|a bit] {a}', 'i (lost|forgot|broke) my {n}', 'the {n} is {a}', 'i have [a|no|my] {n}',
  'we are {v}ing', 'i need it for (my|the) {n}', 'my {n} wants to know', 'i (was|am) {v}ing', 'nobody is {v}ing', 'i (can not|could not|want to|have to|need to) {v}', 'i am in the {n}', 'there is a {n}', 'before i {v}', 'we {v} [soon|today]', 'i do not have (a|my) {n}',
];

/** Why somebody asks, said before or after the request; the request is still all that matters. */
export function withReason(text: string, chance: Chance): string {
  const slots = { n: chance.happens(0.1) ? madeUpWord(chance) : chance.pick(NOUNS), v: chance.pick(VERBS), a: chance.pick(PROPERTIES) };
  const reason = expand(chance.pick(REASONS), slots, chance);
  return chance.happens(0.75) ? `${reason} ${chance.pick(['', '', 'so', 'and', 'now', 'please'])} ${text}` : `${text} ${chance.pick(['because', 'because', 'since', 'as', ''])} ${reason}`;
}

/** One word that the model has never met in the place of one that it may do without. */
export function withStrangeWord(text: string, chance: Chance, keep: ReadonlySet<string>): string {
  const words = text.split(' ');
  const at = chance.between(0, words.length - 1);
  const word = words[at] ?? '';
  if (words.length < 6 || keep.has(word) || /\d/.test(word) || DECIDING.has(word)) return text;
  words[at] = chance.happens(0.5) ? chance.pick(VERBS) : madeUpWord(chance);
  return words.join(' ');
}
