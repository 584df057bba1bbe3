import { DECLINE_TEXT } from '../../../../services/llm/src/decline.ts';
import type { Chance } from '../random.ts';
import { madeUpWord, NAMES, number, smallNumber, THINGS } from '../words.ts';
import type { Intent } from './intent.ts';
import { NOUNS, PEOPLE, PLACES_FAR, PROPERTIES, SUBJECTS, VERBS, VERBS_PAST } from './outside-words.ts';

const ARTICLES = ['the', 'a', 'my', 'this', 'that', 'your', 'his', 'her', 'our', 'every', 'some', 'any', 'no', 'these', 'their'];
const PREPOSITIONS = ['in', 'on', 'with', 'for', 'of', 'about', 'from', 'under', 'over', 'near', 'behind', 'without', 'after', 'before', 'against', 'by', 'through', 'like'];
const PRONOUNS = ['i', 'you', 'he', 'she', 'we', 'they', 'it', 'who', 'nobody', 'everybody', 'somebody', 'my brother', 'my wife', 'my friend', 'the people', 'those men', 'one of them'];
const LINKS = ['and', 'but', 'because', 'so', 'or', 'when', 'while', 'if', 'that', 'which', 'although', 'until', 'than', 'as'];

/** Questions, orders and sentences about everything else. */
export const OUTSIDE: readonly Intent[] = [
  {
    name: 'outside',
    weight: 42,
    patterns: [
      '?(who|what|which {n}) (discovered|built|founded|started|killed|composed|directed|sang|played|designed|owns|made|leads|runs|sells|causes|said) {s}',
      '?(who|what|where|when) (is|was|are|were) {s}',
      '?who is ({p}|{p} married to|the best {n}|the {r})',
      '?what is (the {q} of {s}|the {q} of {s}|{s}|the best {n}|the largest {n} in {l}|the capital of {l}|the difference between {s} and {s2}|going on in {l}|a {n}|a good {n} for {s}|new in {l}|the {q} of a {n}|inside a {n})',
      '?what does (a {n} {v}|{s} mean|{p} do|the word {w} mean|{s} look like|a {n} cost)',
      '?what do (you think about {s}|you know about {s}|people in {l} {v})',
      '?what did {p} (say|do|write|{v}) [about {s}]',
      '?what (hour|day) (does|do|will|is|did) (the {n}|{s}|{p}|my {n}) (open|start|arrive|leave|come|end|begin|{v})',
      '?(what|which) {n} (is|was|has|should i|do you|can i) ({v}|best|the best|the biggest|near {l}|from {l}|in {l})',
      '?how (do i|do you|can i|to|would i|did they|does one) {v} [a|the|my] {n} [in {l}|with {s}|for {s}]',
      '?how (old|tall|far|big|long|deep|fast|heavy|hot|rich|dangerous|expensive|famous|many years old) (is|was|are) ({s}|{p}|the {n}|{l}|the {r} of {l}|a {n})',
      '?how far is it (to {l}|from {l} to {l2}) [from here]',
      '?how many ({n}s are there in {l}|{n}s does {p} have|{n}s (are|live) in {s}|players are in a {n} team|legs does a {n} have|{n}s do i have|{n}s did {p} {v}|goals did {p} score)',
      '?how much (is|does|are|costs) (a {n}|the {n}|{s}|a {n} cost|it cost to {v} a {n}|{n}|money does {p} have|a trip to {l})',
      '?how much (rain|snow|money|traffic|wind|time|work|sugar|fat|salt) (is there|will there be|do i need|is) (in {l}|for {s}|for a {n}|in a {n}|today)',
      '?how (long does it take|much does it cost|do i get|far) to ({v} [the|a] {n}|get to {l}|go to {l}|fly to {l}|{v} {s})',
      '?how does (a {n}|the {n}|{s}) (work|{v}|grow|function|fly|look)',
      '?how do they say {n} in (french|german|spanish|italian|chinese|polish|russian|latin)',
      '?why (is|are|was|were) ({s}|the {n}|{n}s|{p}) (so {a}|{a}|in {l}|important|famous|dangerous|so expensive|illegal|green)',
      '?why (do|does|did|can not|should) (we|people|{n}s|{p}|the {n}|cats|birds|i) {v} [the|a] [{n}]',
      '?where (can i|do i|should i|did {p}|does {p}|do {n}s) ({v}|buy|find|get|see|live|eat|park) [a|the|my] {n}',
      '?where is (the nearest {n}|{l}|{p}|my {n}|the {n}|{s}|the next {n}|a good {n})',
      '?when (did|does|will|is) ({s}|{p}|the {n}|the next {n}|{p} and {p2}) (begin|start|happen|open|close|arrive|leave|play|die|born|{v})',
      '?(is|was|are) ({s}|{p}|the {n}|a {n}|{n}s|{l}) ({a}|a {n}|in {l}|still alive|a good idea|dangerous|healthy|open|a {r}|true)',
      '?(can|do|does|could|should|will|did) (a {n}|{n}s|{p}|i|we|people|the {n}) {v} [a|the|my|in|with] ({n}|{s}|{l})',
      '?(will|is|does) it (rain|snow|be sunny|be cold|be warm|be windy|storm|going to snow|raining|snowing|freeze|cloudy|rain) [today|tomorrow|tonight|this weekend|in {l}|on monday]',
      '?(what is|how is|how was|tell me) the (weather|forecast|weather forecast|weather report|humidity|wind) [in {l}|today|tomorrow|like|outside|this weekend|like today|for tomorrow|for {l}]',
      '(weather|weather forecast|news|sports news|headlines|traffic report|weather today|stock prices|horoscope) [today|please|in {l}|for {l}]',
      '!(tell me|describe|show me|teach me|read me|give me) [about|something about|more about|all about|facts about|information on|the story of|the news about|the latest on] ({s}|{l}|{p}|the {n}|how a {n} works|{n}s|what {s} is|why {n}s {v})',
      '!(book|reserve|order|buy|find|get|rent|cancel|check|change) (me|us|) [a|the|my|an|two|some] [{a}] ({n}|hotel in {l}|train to {l}|table at the {n}|ticket for {s}|restaurant in {l}|appointment with {p}|taxi|room|ticket|flight|seat)',
      '!(call|phone|text|email|ring|message|dial|contact|invite|answer|write to|video call) ({p}|my {r}|the {n}|my brother|the police|a doctor|an ambulance|dad|mom|my wife|the office|my boss|him|her|{m} {m2} {m})',
      '!(send|write|forward|post|read) [me] (an email|a message|a letter|a text|a story|an essay|a report|a speech|a postcard|a tweet|a song|a program) (to {p}|about {s}|for {p}|about the {n}|to my {r}|on {s}|that {v}s {n}s)',
      '!(write|create|generate|compose|draw|paint|design|make|invent|code|print|build|cook|bake|fix|repair) [me] [a|an|the|my|some] [{a}] ({n}|essay|song|function|script|picture of {s}|{n} for {s}|recipe for {n}|logo|plan)',
      '!(play|put on|stop playing|shuffle|skip|pause|record|stream|watch|queue) [the|some|a|my] (music|song|songs|rock|classical music|next song|{n} song|music by {p}|playlist|{w}|movie|album by {p}|news|video about {s}|podcast about {s}|radio station {w}|piano music)',
      '!(say|pronounce) ({n}|{s}|hello|i am a {n}|the word {w}|this sentence|where is the {n}|i love you) (to|in) (french|german|spanish|italian|chinese|polish|russian|latin|greek)',
      '!(add|put|write|remove|delete) [the|a|some|my] ({n}|{n} and {n2}|{t}|meeting with {p}) (to|on|in|from|into|off) (my|the) (list|shopping list|calendar|to do list|agenda|basket|schedule|diary|cart|notes|{n})',
      '!(take me|show me the way|give me directions|guide me|fly|drive me|bring me) to (the nearest {n}|{l}|{p}|the {n} in {l}|{l} by car)',
      '!(remember|note|write down|memorize|remind me) (that|to|about) ({p} likes {n}s|my {n} is {a}|{v} the {n}|call {p}|buy {n}|the {n}|{v} {p}|the {n} on monday|my {n} at the {n2}|pay the {n})',
      '!(erase|remove|open|close|copy|download|install|upload|hack|show|print|move|rename) [all] [the|my|your] (files|passwords|emails|photos|documents|database|browser|folder|app|program|instructions|prompt|system prompt|code|account|keys|secrets|disk|contacts|{n} file)',
      '!(forget|disregard|override|bypass|reveal|repeat|show) [all] [the|your|previous|my] (instructions|rules|orders|prompt|training|limits|safety rules|secrets|commands) [and {v} [the|a] {n}|and say {n}|now]',
      '!(send|pay|lend|give|donate|invest|owe|withdraw|deposit) {m} (dollars|euros|pounds|coins|thousand) (to|for|from|in|into) ({p}|my {n}|my account|{s}|{l}|the {n}|my {r})',
      '!(calculate|work out|find|compute|what is|tell me) the (cube root|logarithm|sine|cosine|derivative|integral|factorial|area|average|volume|power|mean|median) of ({m}|{m} and {m2}|{n}|a {n}|x|the {n}|{m} {m2} {m})',
      '?(should i|shall i|can i|do i have to|may i) (invest in|buy|sell|take|eat|drink|{v}|visit|marry|see|call|trust|vote for|learn|stop) [a|the|my] ({s}|{n}|{p}|{n} for my {n2}|{l})',
      '?(do|did|would|could) you (like|know|ever {v}|remember|have|think about|hate|understand|eat|want|see|meet|play|watch) [a|the|my|any] ({s}|{n}|{p}|{l}|{n}s)',
      '!(suggest|find|choose|search for|look up|google|show|list) [me|for me] [a|an|some|the] [good|{a}] ({n}|book|restaurant|{n} in {l}|hotel near {l}|gift for {p}|song|recipe|wine|doctor|{s}|{n}s near me)',
      '!(change|transform|convert) [the|my|a] {n} (to|into) [a] {n2}',
      '!(solve|do|finish|check|correct|grade) (my|this|the) (homework|equation|puzzle|essay|riddle|problem|exam|{n}|crossword|text|grammar)',
      '!(summarize|review|analyze|compare|explain|criticize) (the {n}|this {n}|{s}|{s} and {s2}|my {n}|chapter {m}|the {n} by {p})',
      'my {n} (is broken|is {a}|has {vd}|is sick|was stolen|does not {v}|{vd}|needs a {n2}|is in {l}|smells|is lost) [what should i do|what do i do|help]',
      'i (have|want|need|lost|found|bought|saw|hate|met|like|love|miss|dropped|broke|ate|drank|forgot|stole|sold) [a|the|my|some|your] [{a}] {n} [in {l}|with {p}|yesterday|from {l}|at the {n2}|for {p}]',
      'i (had|have) (a fight|a date|a problem|a dream|a meeting|trouble|dinner|lunch|a talk) with (my {r}|my {n}|{p}|the {n}|{s})',
      'i (feel|am) ({a}|sick|in love|hungry|thirsty|pregnant|angry at {p}|worried about {s}|in {l}|at the {n}|allergic to {n}s|afraid of {n}s|lost in {l}|a {n})',
      'the {n} (was|is|has been|will be|were) ({a}|{vd}|gone|in the {n2}|full of {n2}s|too {a}|{a} again) [today|again|this morning|last night|in {l}]',
      'the {a} {n} {vd} [over|under|into|with|by|near|from|to] the [{a}] {n2}',
      '(he|she|it|they|we|nobody|{p}|my {r}|the {r}|the {n}) (was|were|is|had been|has been|will be|would be|could not be) [not] [a|an|the] [very|rather|so] {a} {n} [in {l}|and {a}|of {n2}]',
      '(he|she|they|we|{p}|my {r}|the {n}|somebody) {vd} [the|a|his|her|my|with|to|in|into] [{a}] {n} [and {vd} the {n2}|in {l}|with {p2}|for {m} years|and never {vd}|because of the {n2}]',
      '(let us|we should|you must|they will|he can|we shall|let me|you should|they can not) [not] {v} [the|a|our|with] {n} [and {v} the {n2}|in {l}|of {s}|for {s}|together]',
      '(come|run|sit|look|walk|fly|travel) (anywhere|away|home|there|elsewhere|outside|nowhere) [and] [{v}|find|get|see|make|bring|say] [anything|nothing|the {n}|a {n}|it]',
      '(do|bring|find|get|make|fetch|show|take|{v}) (something|anything|it|this|me something|somebody|nothing|that thing|whatever) [{a}|else|for {p}|with {n}|somewhere|to {v}]',
      '{m} ({n}s|{n}s and {m2} {n2}s|{a} {n}s)',
      '!set [up] (a|the) {n} (for|with|on|in) ({p}|{l}|the {n2}|{s})',
    '?how many {n}s (are|make|in|fit in|does it take for) (a {n2}|{m} {n2}s|the {n2}|{s})',
    '!count (the|my|all) {n}s [in {s}|on the {n2}|for me]',
    '!(choose|pick|select) (a|the|my|some|the right|the next) {n} [for {p}|for {s}|in {l}]',
    '?what (is the time difference|time is it) (between {l} and {l2}|in {l})',
    '?what day (is|was|will be) ({s}|the {n}|my {n})',
    '!(tell|give|show|bring|get) me (a|the|my|some) {n} [now|from {l}|of {p}]',
    '?what can (a|the|my) {n} (do|be|{v}|see)',
    '?(who|where|what) is your {n}',
    '?do you (have|own|want|need) (a|an|any) {n}[s]',
    '?are you (a|an|the) {n}',
    '?what (is|are) {m} {n}s [worth|like|made of]',
    '!(start|stop|cancel|finish) (the|my|this) {n} (for|with|of|in) ({p}|{l}|{s})',
    '!(spell|say|repeat|write) (after me|out|down|only) {soup}',
    '!(go|move|drive|walk|run) (a|the|his|her|and) {n} {v}',
    '!(open|close|turn|switch|set) (an account|a shop|a company|a page|your mind|over a new leaf|a new chapter|the case|the deal|sides|the subject|a record|an example|a trap|the world on fire)',
    '?(will|would|is|was|are|did) ({p}|the {n}|my {n}|{s}|we) (be|{v}|come|go|arrive|{a}) (tomorrow|today|yesterday|tonight|this afternoon|this morning|this evening|next week|last night|next year)',
    '{soup} (tomorrow|today|yesterday|tonight|this afternoon|this morning|this evening|next week|last night)',
    '(life|love|time|money|work|war|peace|death|school|marriage) (is|was|will be) (a {n}|{a}|the {n} of the {n2})',
    '?what is the (point|sense|secret|purpose|opposite|future|end|value|story|use) of ({n}|life|{s}|love|all this|the {n})',
    '{m} {m2} {m}',
      '{m} {m2} {m} {m2} {m3}',
      '{n} and {n2}',
      '{a} {n}',
      '{a} {n}s {v} {n2}s',
      '{n}',
      '{s}',
      '{p} {p2}',
      '{l}',
      '{w} {w2} {w3}',
      '{w} {v} the {w2} {n}',
      '(there|here) (is|was|were|are) [a|the|no|some] [{a}] {n} [in {l}|on the {n2}|behind the {n2}|that {vd}|who {vd}]',
      'once upon a time there was a {n}',
      '(this|that) {n} (is|was) {a} [and {a}|for a {n2}|than the {n2}]',
      '{soup}',
      '{soup}',
      '{soup}',
      '{soup}',
    ],
    fill: (chance) => ({ slots: slots(chance), answer: DECLINE_TEXT }),
  },
];

function slots(chance: Chance): Record<string, string> {
  const noun = (): string => (chance.happens(0.08) ? madeUpWord(chance) : chance.pick(chance.happens(0.15) ? THINGS : NOUNS));
  const person = (): string => (chance.happens(0.3) ? `${chance.pick(NAMES)} ${madeUpWord(chance)}` : chance.pick(chance.happens(0.4) ? NAMES : PEOPLE));
  const place = (): string => (chance.happens(0.15) ? madeUpWord(chance) : chance.pick(PLACES_FAR));
  const subject = (): string => (chance.happens(0.25) ? `the ${noun()}` : chance.happens(0.1) ? madeUpWord(chance) : chance.pick(SUBJECTS));
  return {
    n: noun(), n2: noun(), s: subject(), s2: subject(), p: person(), p2: person(), l: place(), l2: place(),
    v: chance.pick(VERBS), vd: chance.pick(VERBS_PAST), a: chance.pick(PROPERTIES), r: chance.pick(PEOPLE).replace(/^(the|a|my) /, ''),
    q: chance.pick(['size', 'color', 'population', 'history', 'weight', 'height', 'length', 'depth', 'name', 'speed', 'cause', 'purpose', 'owner', 'address', 'age', 'number', 'taste', 'value', 'temperature', 'distance', 'password', 'origin', 'director', 'king', 'president', 'score', 'result', 'lyrics', 'plot', 'formula', 'symbol', 'currency']),
    m: smallNumber(chance), m2: number(chance), m3: smallNumber(chance), w: madeUpWord(chance), w2: madeUpWord(chance), w3: madeUpWord(chance),
    t: chance.pick(THINGS), t2: chance.pick(THINGS), soup: sentence(chance, noun),
  };
}

/** A sentence with the rhythm of ordinary talk and no intent at all. */
function sentence(chance: Chance, noun: () => string): string {
  const clause = (): string => {
    const subject = chance.happens(0.5) ? chance.pick(PRONOUNS) : `${chance.pick(ARTICLES)} ${noun()}`;
    const verb = chance.happens(0.6) ? chance.pick(VERBS_PAST) : `${chance.pick(['will', 'can', 'would', 'must', 'could', 'may', 'did not', 'should'])} ${chance.pick(VERBS)}`;
    const object = chance.happens(0.7) ? ` ${chance.pick(ARTICLES)} ${chance.happens(0.4) ? `${chance.pick(PROPERTIES)} ` : ''}${noun()}` : '';
    const place = chance.happens(0.4) ? ` ${chance.pick(PREPOSITIONS)} ${chance.pick(ARTICLES)} ${noun()}` : '';
    return `${subject} ${verb}${object}${place}`;
  };
  const clauses = Array.from({ length: chance.pick([1, 1, 1, 2, 2, 3]) }, clause);
  return clauses.reduce((text, next) => `${text} ${chance.pick(LINKS)} ${next}`);
}
