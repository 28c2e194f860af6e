import { sendHostileInputs } from '../support/example-app/hostile';
import { HOSTILE_INPUTS } from '../support/example-app/hostile-inputs';

test(`${HOSTILE_INPUTS.length} hostile inputs get the expected response and one clean log line each`, async () => {
  expect(HOSTILE_INPUTS.length).toBeGreaterThanOrEqual(80);
  expect(new Set(HOSTILE_INPUTS.map(({ name }) => name)).size).toBe(HOSTILE_INPUTS.length);
  expect(await sendHostileInputs()).toEqual([]);
});
