import { renderJUnit } from '../../../src/rehearsal/report/junit';
import { renderPage } from '../../../src/rehearsal/report/page';
import { Check, NamedDocument, RunDocument } from '../../../src/rehearsal/report/report';
import { Timeline } from '../../../src/rehearsal/report/timeline';

const HOSTILE = '<script>"&\n';
const CHECKS: Check[] = [
  { id: 'http', outcome: 'passed', name: `GET ${HOSTILE} answered 200` },
  { id: 'not-root', outcome: 'warning', name: 'user', reason: HOSTILE },
  { id: 'memory', outcome: 'failed', name: 'memory', reason: HOSTILE },
  { id: 'load', outcome: 'skipped', name: 'load', reason: HOSTILE },
];

function runOf(timeline: Timeline): RunDocument {
  return {
    services: [{
      name: `Shop/${HOSTILE}`,
      tasks: 1,
      size: '256 CPU units',
      engine: 'node',
      containers: [HOSTILE],
      targetGroups: ['Targets'],
    }],
    emulators: [{ name: 'LoadBalancer', listeners: [{ name: 'HTTP 80', rules: 1 }], targetGroups: ['Targets'] }],
    timeline: timeline.document(),
  };
}

function documentOf(run?: RunDocument): NamedDocument {
  return { name: `cdk.out ${HOSTILE}`, passed: false, seconds: 1.5, checks: CHECKS, notCovered: [], run };
}

function timelineOf(): Timeline {
  const timeline = new Timeline();
  timeline.event('task 1', 'started');
  timeline.event('task 1', 'healthy');
  timeline.event(HOSTILE, 'exited with exit code 1');
  timeline.request(false);
  timeline.request(true);
  timeline.memory('task 1', 0.41);
  return timeline;
}

test('the page shows each check, what was run and the timeline, and needs no other file', () => {
  const page = renderPage([documentOf(runOf(timelineOf()))]);

  expect(page).toContain('<title>Rehearsal: failed</title>');
  expect(page).toContain('<span class="failed">1 failed</span>');
  expect(page).toMatch(/← Targets/);
  expect(page).toContain('<text x="0" y="20">2 requests</text>');
  expect(page).toContain('task 1, 41 %');
  expect(page).not.toMatch(/https?:|src=|href=|@import/);
});

test('nothing that an app answers gets into the markup', () => {
  expect(renderPage([documentOf(runOf(timelineOf()))])).not.toContain('<script>');
  const xml = renderJUnit([documentOf()]);
  expect(xml).not.toContain('<script>');
  expect(xml).toContain('&lt;script&gt;&quot;&amp;&#10;');
});

test('a page of a rehearsal without requests and tasks is complete', () => {
  const page = renderPage([{ ...documentOf(runOf(new Timeline())), checks: [], passed: true }]);
  expect(page).toContain('<title>Rehearsal: passed</title>');
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('JUnit counts failures and skipped checks, and passes warnings with their reason', () => {
  const xml = renderJUnit([documentOf()]);
  expect(xml).toMatch(/tests="4" failures="1" skipped="1" time="1.5"/);
  expect(xml).toMatch(/classname="not-root" name="user"><system-out>warning: /);
  expect(xml.match(/<testcase /g)).toHaveLength(4);
});
