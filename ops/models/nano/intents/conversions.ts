import type { Chance } from '../random.ts';
import { UNITS, type Unit } from '../units.ts';
import { number } from '../words.ts';
import type { Intent } from './intent.ts';

/** Two different units that can be converted into one another. */
export function unitPair(chance: Chance): [Unit, Unit] {
  const from = chance.pick(UNITS);
  const to = chance.pick(UNITS.filter((unit) => unit.family === from.family && unit !== from));
  return [from, to];
}

const spoken = (unit: Unit, chance: Chance): string => {
  if (unit.family === 'temperature') return chance.happens(0.4) ? `degrees ${unit.name}` : unit.name;
  return chance.happens(0.93) ? unit.plural : unit.name;
};

/** The unit conversions: value and both units are copied from the question. */
export const CONVERSIONS: readonly Intent[] = [
  {
    name: 'unit',
    weight: 13,
    patterns: [
      '?how many {to} (are|is|are there|do i get|do we have|make|makes|are that|has|have|are in|is in|would be|will be) [in] {n} {from}',
      '?how many {to} (are in|are there in|in|does it take for|go into|fit in|fit into|make|equal|do you get from|has|have|correspond to|would be in) {n} {from} [please]',
      '?how (much|many) (is|are) {n} {from} in {to}',
      '?(what is|what are|how much is|how much are) {n} {from} (in|to|into|as|expressed in|converted to|measured in) {to}',
      '?what (would|will) {n} {from} be (in|as) {to}',
      '!(convert|change|translate|turn|transform|switch) {n} {from} (to|into|in) {to}',
      '!(give|tell|show) me {n} {from} (in|as|to|into) {to}',
      '!(give|tell|show) me how many {to} (are in|are|make|is) {n} {from}',
      '{n} {from} (in|to|into|as|are how many|is how many|equals how many|makes how many) {to} [please]',
      '{n} {from} (is how much|is what|are what|are how much|makes how much) in {to}',
      '?how (long|far|tall|high|wide|heavy|big|deep|much|hot|cold|warm) is {n} {from} in {to}',
      '?how (long|far|tall|high|wide|heavy|big|deep|much|hot|cold|warm) are {n} {from} in {to}',
      'i (have|need|got|want|bought|ran|walked|drove|weigh|used|lost|am) {n} {from} (how many {to} is that|how much is that in {to}|what is that in {to}|how many {to} are that|how many {to} is it|in {to} please|what is it in {to}|tell me in {to})',
      'it is {n} {from} (what is that in {to}|how many {to} is that|how much is that in {to}|outside what is it in {to}|here what is that in {to})',
      '(the|my|a|this) (recipe|book|sign|label|package|map|oven|doctor|scale) (says|wants|needs|shows|asks for) {n} {from} (what is that in {to}|how many {to} is that|how many {to} is it|how much is it in {to})',
      'if (i|you|we) (have|take|use|run|walk) {n} {from} how many {to} (is that|are that|is it|do i have)',
      '{n} {from} how (many {to} is that|much is that in {to}|many {to} are that|many {to}|many {to} would that be)',
      '?what (do i get|do you get|comes out|is the result) (if|when) (i|you|we|one) (convert|change|translate|put) {n} {from} (to|into|in) {to}',
      'from {from} to {to} [what is|how much is] {n}',
      '{n} from {from} to {to} [please]',
      '!(convert|change) from {from} to {to} {n}',
      '?how many {to} (do|does|would|will) {n} {from} (have|make|equal|contain|give|be)',
      '?{n} {from} (equals|equal|makes|make|corresponds to) how many {to}',
      'i (need|want|would like) (to know how many {to} are in {n} {from}|{n} {from} in {to}|to convert {n} {from} to {to}|to see {n} {from} in {to})',
      '?what is {n} {from} (in|when you say it in|when measured in) {to}',
      '(in|as) {to} {n} {from} (is|are) (what|how much|how many)',
      '(going|coming|converting) from {from} to {to} (what is|how much is|) {n}', '?what is {n} in {to} (if|when) it is {from}', '{n} {from} (would be|make|makes|equals|gives) (how many|what in|how much in) {to}', '?how many {to} (do|does|would) {n} {from} (take|make up|have|count|contain|come to)', '?how many {to} (has|have) {n} {from}', '(the|a|my) (box|bag|room|table|way|trip|walk|bottle|package|child|dog) (is|has|weighs|holds) {n} {from} (what is that in {to}|how many {to} is that|in {to})', '(express|say|write) {n} {from} in {to}',
      '?(in|into) {to} how much is {n} {from}',
    ],
    fill(chance) {
      const [from, to] = unitPair(chance);
      const n = chance.happens(0.12) ? '1' : chance.happens(0.03) ? `-${chance.between(1, 60)}` : number(chance);
      const one = n === '1';
      const slots = { n, from: one ? from.name : spoken(from, chance), to: spoken(to, chance) };
      return { slots, answer: `<unit ${n} ${from.name} ${to.name}>` };
    },
  },
];
