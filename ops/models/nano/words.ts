import type { Chance } from './random.ts';

/** Splits a block of words or of phrases separated by commas. */
const list = (text: string): readonly string[] =>
  text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');

export const ROOMS = list(`kitchen, bedroom, living room, bathroom, hallway, garage, office, garden, basement, attic, dining room, guest room, nursery, study,
  balcony, porch, cellar, workshop, laundry room, patio, terrace, hall, lobby, front yard, back yard, upstairs, downstairs, shed, library`);

export const APPLIANCES = list(`lights, light, lamp, fan, heater, heating, radio, tv, television, air conditioning, air conditioner, coffee machine, coffee maker,
  kettle, oven, stove, dishwasher, washing machine, dryer, printer, computer, monitor, screen, speaker, speakers, projector, camera, cameras, humidifier,
  dehumidifier, vacuum, sprinkler, sprinklers, pump, boiler, toaster, microwave, router, christmas tree, night light, desk lamp, floor lamp, ceiling lamp,
  reading light, fairy lights, chandelier, spotlight, fountain, aquarium, stereo, amplifier, electric blanket, fireplace, floodlights, led strip, socket, plug,
  power strip, extractor hood, ventilation, thermostat, water heater, pool pump, doorbell, air purifier, game console, laptop, charger, siren, lantern`);

export const OPENINGS = list(`door, front door, back door, garage door, garage, gate, window, windows, blinds, curtains, shutters, shades, skylight, awning, bedroom window,
  kitchen window, roof window, cat flap, drapes, balcony door, main gate, garden gate, valve, vent, hatch, trunk, drawer, roller shutter`);

export const DIALS = list(`volume, brightness, thermostat, heating, temperature, lights, kitchen lights, bedroom lamp, fan, fan speed, living room lights, desk lamp, speaker volume, radio volume,
  oven, air conditioning, music volume, screen brightness, hallway lights, office lights, heater, dimmer, bathroom heating, water heater, humidity`);

export const PLACES = list(`kitchen, bedroom, door, window, garage, table, charging station, base, dock, start, garden, hallway, office, sofa, couch, fridge, stairs, corner, desk, gate,
  front door, elevator, living room, workshop, wall, chair, shelf, exit, entrance, bathroom, home position, charger, next room, end of the hall, mail box, bed`);

export const NAMES = list(`anna, peter, maria, john, lisa, tom, sarah, max, emma, paul, laura, david, julia, frank, nina, oscar, clara, simon, helen, george, alice, robert, susan, kevin, martha,
  henry, olga, victor, irene, felix, diana, walter, rosa, hugo, amy, ben, carl, daniel, eva, fiona, gustav, ivan, jane, karl, leon, mona, noah, otto, petra, quinn`);

/** Things people choose between or ask to have spelt: everyday words of every length. */
export const THINGS = list(`apple, banana, tea, coffee, milk, water, juice, wine, beer, soup, salad, pizza, pasta, rice, bread, cheese, butter, sugar, salt, pepper, chicken, fish, beef, cake,
  pie, ice cream, chocolate, vanilla, strawberry, lemon, orange, cherry, grape, peach, red, blue, green, yellow, black, white, purple, pink, brown, grey, cat, dog, horse, bird,
  car, bike, bus, train, plane, boat, taxi, beach, mountain, lake, river, forest, city, village, book, movie, film, game, chess, cards, tennis, football, golf, swimming, running,
  walking, cooking, cleaning, reading, sleeping, summer, winter, spring, autumn, monday, friday, sunday, morning, evening, shirt, dress, jeans, skirt, jacket, coat, shoes, boots,
  sandals, hat, scarf, gold, silver, bronze, paper, stone, scissors, north, south, east, west, guitar, piano, violin, drums, burger, fries, sushi, noodles, tacos, curry, steak,
  sandwich, toast, cereal, eggs, bacon, shower, bath, stairs, elevator, sofa, chair, table, window, aisle, cash, card, rent, buy, stay, go, sing, dance, read, write, call, wait,
  paris, london, rome, berlin, madrid, vienna, oslo, lisbon, dublin, prague, home, office, gym, park, museum, cinema, theatre, concert, opera, zoo, breakfast, lunch, dinner`);

export const SPELLINGS = list(`elephant, tomato, umbrella, beautiful, definitely, separate, receive, believe, address, business, committee, embarrass, environment, february, wednesday, government,
  guarantee, harass, independent, knowledge, language, library, maintenance, mischief, neighbor, occasion, opportunity, parliament, possession, prejudice, privilege, pronunciation,
  psychology, queue, questionnaire, restaurant, schedule, science, secretary, sincerely, successful, surprise, tongue, tomorrow, vacuum, weird, yacht, zebra, accommodate, achieve,
  acquire, bureau, cemetery, colleague, conscience, dilemma, exaggerate, fluorescent, foreign, gauge, hierarchy, hygiene, island, jewelry, lightning, millennium, miniature, noticeable,
  orchestra, pigeon, raspberry, rhyme, sergeant, threshold, unique, vehicle, whistle, pneumonia, mississippi, dinosaur, penguin, butterfly, computer, telephone, kangaroo,
  chocolate, cinnamon, lettuce, spaghetti, zucchini, broccoli, cauliflower, dictionary, philosophy, mathematics, geography, chemistry, engineer, scientist, musician, electrician`);

const ONSETS = list('b, br, c, ch, d, dr, f, fl, g, gr, h, j, k, l, m, n, p, pl, qu, r, s, sh, sl, st, t, th, tr, v, w, z, sp, cl, sk, bl, gl, y');
const NUCLEI = list('a, e, i, o, u, a, e, i, o, u, ai, ea, ee, oo, ou, ie, oa, y');
const CODAS = list('n, r, t, l, s, m, ck, nd, st, p, d, x, ng, rt, sh, g, b');

/** A word that nobody has met, so that copying is learnt and not the list of words. */
export function madeUpWord(chance: Chance): string {
  const syllable = (): string => chance.pick(ONSETS) + chance.pick(NUCLEI) + (chance.happens(0.45) ? chance.pick(CODAS) : '');
  return Array.from({ length: chance.between(1, 3) }, syllable).join('');
}

/** A number as people say them: mostly small and round, sometimes long, sometimes with a fraction. */
export function number(chance: Chance): string {
  const kind = chance.real();
  if (kind < 0.25) return String(chance.between(0, 12));
  if (kind < 0.5) return String(chance.between(10, 99));
  if (kind < 0.62) return String(chance.between(1, 20) * 5);
  if (kind < 0.8) return String(chance.between(100, 999));
  if (kind < 0.87) return String(chance.between(1000, 9999));
  if (kind < 0.91) return String(chance.between(1, 50) * 100);
  if (kind < 0.93) return String(chance.between(10_000, 999_999));
  return `${chance.between(0, 120)}.${chance.happens(0.5) ? chance.pick(['5', '25', '75', '2', '1']) : chance.between(1, 99)}`;
}

/** A small whole number, for steps, minutes and percent. */
export function smallNumber(chance: Chance): string {
  const kind = chance.real();
  if (kind < 0.5) return String(chance.between(1, 12));
  if (kind < 0.8) return String(chance.pick([15, 20, 25, 30, 40, 45, 50, 60, 90, 100, 120, 10, 5]));
  return String(chance.between(2, 99));
}
