import type { Chance } from '../random.ts';
import { APPLIANCES, DIALS, madeUpWord, OPENINGS, PLACES, ROOMS, smallNumber } from '../words.ts';
import type { Intent } from './intent.ts';

function appliance(chance: Chance): string {
  const kind = chance.real();
  if (kind < 0.4) return chance.pick(APPLIANCES);
  if (kind < 0.72) return `${chance.pick(ROOMS)} ${chance.pick(APPLIANCES)}`;
  return kind < 0.86 ? `${madeUpWord(chance)} ${chance.pick(APPLIANCES)}` : madeUpWord(chance);
}

const opening = (chance: Chance): string => {
  if (chance.happens(0.2)) return `${madeUpWord(chance)} ${chance.pick(['door', 'window', 'gate', 'blinds', 'box'])}`;
  return chance.happens(0.3) ? `${chance.pick(ROOMS)} ${chance.pick(['door', 'window', 'blinds', 'curtains', 'shutters'])}` : chance.pick(OPENINGS);
};
const dial = (chance: Chance): string => (chance.happens(0.25) ? `${chance.happens(0.5) ? chance.pick(ROOMS) : madeUpWord(chance)} ${chance.pick(['lights', 'lamp', 'heater', 'fan', 'volume'])}` : chance.pick(DIALS));

const device = (name: string, answer: (d: string) => string, draw: (chance: Chance) => string, weight: number, patterns: readonly string[]): Intent => ({
  name,
  weight,
  patterns,
  fill(chance) {
    const d = draw(chance);
    return { slots: { d }, answer: answer(d) };
  },
});

/** Devices: the answer says what is being done and copies the device's name. */
export const HOUSE: readonly Intent[] = [
  device('device-on', (d) => `Turning the ${d} on.`, appliance, 5, [
    '!(turn|switch|put|flip|power) on [the|my|all the|that] {d} [now|again|for me|please]',
    '!(turn|switch|put|flip|get|power) [the|my|all the|that] {d} (on|back on|on again) [now|for me|please]',
    '!(start|activate|enable|light|light up|power up|fire up|boot|run|energize|launch) [the|my] {d} [now]',
    '{d} on [please|now]',
    'i (want|need|would like) [the|my] {d} (on|turned on|switched on|to be on|running|to go on) [now|please]',
    '!(let|make) the {d} (run|go on|come on|work|shine|turn on)',
    'it is (dark|cold|hot|late|warm|stuffy|chilly) [in here|here|in the room] (turn on|switch on|put on) the {d}',
    '!(make sure|see that|check that) [the|my] {d} is (on|turned on|switched on|running)',
    'the {d} (should|must|has to|needs to|can) (be on|go on|be turned on|be switched on|come on)',
    '!(have|get) the {d} (turned on|switched on|running|started|on|working)',
    'on with the {d}',
    '?(can|could) (i|we) have the {d} on [please]',
    '!(bring|wake) (the|my) {d} (up|to life|on)', 'i could use the {d} [now|please]', '!(throw|click|snap) on the {d}', '!give me (the|my|some) {d} [please]', '(lights|power) on for the {d}', '?(is it possible to|why do you not|would it be possible to) (turn|switch) (on the {d}|the {d} on)',
  ]),
  device('device-off', (d) => `Turning the ${d} off.`, appliance, 5, [
    '!(turn|switch|shut|power|put) off [the|my|all the|that] {d} [now|again|for me|please]',
    '!(turn|switch|shut|power|put|take) [the|my|all the|that] {d} (off|off again|out) [now|for me|please]',
    '!(stop|deactivate|disable|shut down|cut|power down|end|halt) [the|my] {d} [now]',
    '{d} off [please|now]',
    'i (want|need|would like) [the|my] {d} (off|turned off|switched off|to be off|to go off) [now|please]',
    '!(let|make) the {d} (go off|stop|turn off|go out)',
    'it is (too bright|hot|late|too loud|bed time|noisy) [in here|here] (turn off|switch off|shut off) the {d}',
    '!(make sure|see that|check that) [the|my] {d} is (turned off|switched off|not on|out|not running)',
    'the {d} (should|must|has to|needs to|can) (be off|go off|be turned off|be switched off|stop)',
    '!(have|get) the {d} (turned off|switched off|stopped|off)',
    'off with the {d}',
    'i (do not|no longer) need the {d} [any more|anymore|on]',
    '(nobody|no one) (needs|is using|uses|is in|wants) the {d} (turn it off|switch it off)',
    'no (more {d}|{d} please)', '!(click|knock|snap|take) off the {d}', '!(quiet|silence|darken|extinguish) the {d}', 'i am done with the {d}', 'that is enough {d}', 'we are leaving (turn|switch|shut) off the {d}', '!(put|lay) the {d} to sleep',
  ]),
  device('open', (d) => `Opening the ${d}.`, opening, 2, [
    '!open [up] [the|my] {d} [please|now|a bit|for me]',
    '{d} open [please]',
    'i (want|need|would like) the {d} (open|opened)',
    '!(raise|lift|unlock|pull up|roll up) the {d}',
    'the {d} (should|must) be (open|opened)',
    '!(get|have|pull|roll|push|make) the {d} (open|opened|up)',
    '!let some (air|light) in open the {d}',
  ]),
  device('close', (d) => `Closing the ${d}.`, opening, 2, [
    '!(close|shut) [the|my] {d} [please|now|for me|completely]',
    '{d} (closed|shut|close) [please]',
    'i (want|need|would like) the {d} (closed|shut)',
    '!(lower|pull down|roll down|let down|draw|lock) the {d}',
    'the {d} (should|must) be (closed|shut)',
    '!(get|have|pull|roll|push) the {d} (closed|shut|down)',
    '!(make sure|check that) the {d} is (closed|shut)',
    'it is (cold|windy|raining) (close|shut) the {d}',
  ]),
  {
    name: 'set-level',
    weight: 4,
    patterns: [
      '!(set|put|turn|adjust|change|bring|move|get|dim|switch|regulate) [the|my] {d} (to|at|down to|up to|on|back to) {n} {u}',
      '!(set|adjust) [the|my] {d} {n} {u}',
      '!(dim|raise|lower|increase|decrease|reduce|brighten|drop) [the|my] {d} (to|down to|up to) {n} {u}',
      '{d} (at|to|on|) {n} {u} [please]',
      'i (want|need|would like) [the|my] {d} (at|on|to be at|set to|to) {n} {u}',
      '!make [the|my] {d} {n} {u} [bright|loud|warm|please]',
      '!(keep|hold|leave) [the|my] {d} at {n} {u}',
      'the {d} (should|must|can) (be|be at|go to) {n} {u}',
      '{n} {u} (for|on) the {d}',
      '!let the {d} be at {n} {u}',
    ],
    fill(chance) {
      const d = dial(chance);
      const n = smallNumber(chance);
      const u = chance.pick(['percent', 'percent', 'degrees']);
      return { slots: { d, n, u }, answer: `Setting the ${d} to ${n} ${u}.` };
    },
  },
  ...movements(),
];

function movements(): Intent[] {
  const stepUnits = ['meters', 'steps', 'feet', 'centimeters', 'inches', 'yards', 'kilometers', 'blocks', 'miles', 'paces'];
  const ways: readonly (readonly [says: string, forms: readonly string[]])[] = [
    ['forward', ['forward', 'forwards', 'ahead', 'straight ahead', 'straight', 'straight on', 'to the front']],
    ['back', ['back', 'backward', 'backwards', 'to the rear']],
    ['left', ['left', 'to the left', 'leftwards']],
    ['right', ['right', 'to the right', 'rightwards']],
    ['up', ['up', 'upwards', 'upward']],
    ['down', ['down', 'downwards', 'downward']],
  ];
  const go = '(go|move|walk|drive|step|roll|run|proceed|travel|fly|advance|ride|come|slide|head|crawl|march)';
  return [
    {
      name: 'move-distance',
      weight: 4,
      patterns: [`!${go} {w} [for|by|about] {n} {u} [please|now|and stop|and wait|then stop]`, `!${go} {n} {u} {w} [please|now|and stop|then wait]`, `!(make|take|do) {n} {u} {w}`, '{w} {n} {u} [please]', '{n} {u} {w} [please]', `!${go} {w} {n} {u}`, `!(take|make|do) {n} (big|small|little|more|) {u} {w}`, `i (want|need) you {n} {u} {w}`, `!${go} {w} (exactly|only|just) {n} {u}`],
      fill(chance) {
        const [says, forms] = chance.pick(ways);
        const n = smallNumber(chance);
        const unit = chance.pick(stepUnits);
        const u = n === '1' ? (unit === 'feet' ? 'foot' : unit === 'inches' ? 'inch' : unit.slice(0, -1)) : unit;
        return { slots: { w: chance.pick(forms), n, u }, answer: `Going ${says} ${n} ${u}.` };
      },
    },
    {
      name: 'move',
      weight: 2,
      patterns: [`!${go} {w} [please|now|a bit|a little|slowly|again|further|quickly]`, '!keep (going|moving|driving|walking) {w}', `!(start|continue) (moving|driving|going|walking) {w}`, '!(back up no go|go on) {w}'],
      fill(chance) {
        const [says, forms] = chance.pick(ways);
        return { slots: { w: chance.pick(forms) }, answer: `Going ${says}.` };
      },
    },
    {
      name: 'turn',
      weight: 2,
      patterns: ['!(turn|rotate|spin|swing|steer|bear|veer) [to the|towards the] {w} [please|now|here|slowly]', '!(take|make) a {w} [turn] [please|now|here]', '!(take|make) the next {w}', '!make a turn to the {w}', '{w} turn [please]', '!(look|face) [to the] {w}'],
      fill(chance) {
        const w = chance.pick(['left', 'right']);
        return { slots: { w }, answer: `Turning ${w}.` };
      },
    },
    {
      name: 'turn-degrees',
      weight: 2,
      patterns: ['!(turn|rotate|spin|swing) [to the] {w} [by|for|about] {n} degrees [please|now]', '!(turn|rotate|spin) {n} degrees [to the] {w} [please]', '!(make|do) a {n} degree turn to the {w}', '{n} degrees [to the] {w}'],
      fill(chance) {
        const w = chance.pick(['left', 'right']);
        const n = String(chance.pick([5, 10, 15, 30, 45, 60, 90, 120, 135, 180, 270, 360, chance.between(1, 360)]));
        return { slots: { w, n }, answer: `Turning ${w} ${n} degrees.` };
      },
    },
    {
      name: 'turn-around',
      weight: 0.8,
      patterns: ['!(turn|spin|rotate|face) (around|about|round) [please|now]', '!(make|do) a (u turn|full turn)', '!turn back [please]', '!look (behind you|around)'],
      fill: () => ({ slots: {}, answer: 'Turning around.' }),
    },
    {
      name: 'go-place',
      weight: 3,
      patterns: [`!(go|move|walk|drive|head|run|travel|return|ride|proceed|come|roll) [over|back] to the {p} [please|now|quickly|and wait]`, '!(find your way|make your way|take me|bring me|lead me|get) to the {p}', 'i (want|need) you (at|to go to|to drive to|in|by) the {p}', 'to the {p} [please]', '?(can|could) you (go|drive|come|move) to the {p}'],
      fill(chance) {
        const p = chance.happens(0.25) ? madeUpWord(chance) : chance.pick(PLACES);
        return { slots: { p }, answer: `Going to the ${p}.` };
      },
    },
    {
      name: 'come',
      weight: 0.8,
      patterns: ['!(come|come over|drive|roll) (here|to me|over here|back to me|closer|this way) [please|now]', '!follow me [please|now]', 'over here', '!(come|stay) with me', '!come (on|along)'],
      fill: () => ({ slots: {}, answer: 'Coming to you.' }),
    },
    {
      name: 'stop',
      weight: 1.5,
      patterns: ['!(stop|halt|wait|pause) [please|now|here|there|at once|right there|immediately|moving|driving|walking]', '!(stop|quit|end) (moving|driving|walking|going|rolling|it|that|right now)', '!do not (go|walk|drive) [any] (further|on|farther)', '!(hold it|stay right there|stay here|wait there|no further|no more|enough|that is far enough|cut it out|stop here now)', '!do not (go on|continue|drive on|walk on|take another step)', '!(stand|hold|stay|keep) (still|there|where you are|your position|put)', '(stop stop|stop it|stop right there|halt right there|emergency stop|brake)'],
      fill: () => ({ slots: {}, answer: 'Stopping.' }),
    },
  ];
}
