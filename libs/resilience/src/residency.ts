import type { Course } from './course.ts';
import type { Candidate } from './route.ts';

/**
 * A course without the models that would take a request's data out of the regions that may see it: not as its answer, its second try,
 * its probe or its shadow. `regionOf` says where a model's data goes, undefined for models that run in this instance. No regions: any
 * is allowed. Pure.
 */
export function within(course: Course, regions: readonly string[], regionOf: (model: string) => string | undefined): Course {
  const stays = ({ model }: Candidate) => {
    const region = regionOf(model);
    return region === undefined || regions.length === 0 || regions.includes(region);
  };
  const leaving = course.legs.filter((leg) => !stays(leg));
  if (leaving.length === 0 && course.shadows.every(stays)) return course;
  const obstacles = leaving.map(({ model }) => `${model} runs in ${regionOf(model)}, which may not see this request`);
  return {
    legs: course.legs.filter(stays),
    probes: course.probes.filter(stays),
    shadows: course.shadows.filter(stays),
    obstacles: [course.obstacles, ...obstacles].filter((each) => each !== '').join('; '),
  };
}
