import { escapeMarkup as escape } from '../patterns';
import { Check, NamedDocument, NOT_COVERED, RunDocument } from './report';
import { RequestCount, TimelineDocument } from './timeline';

/*
 * The results as one HTML page without scripts and without other files.
 */

const SIGNS: Record<Check['outcome'], string> = { passed: '✓', warning: '!', failed: '✗', skipped: '–' };

const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --back: #fff; --box: #f6f8fa;
  --passed: #1a7f37; --warning: #9a6700; --failed: #cf222e; --skipped: #6e7781; --load: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --back: #0d1117; --box: #151b23; --passed: #3fb950;
    --warning: #d29922; --failed: #f85149; --skipped: #9198a1; --load: #4493f8; } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p { color: var(--dim); }
.picture { display: flex; flex-wrap: wrap; gap: .75rem; align-items: stretch; margin: 1rem 0; }
.box { flex: 1 1 14rem; border: 1px solid var(--line); border-radius: 6px; background: var(--box); padding: .6rem; }
.box b { display: block; } .box small { color: var(--dim); display: block; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem .5rem;
  vertical-align: top; } td small { display: block; color: var(--dim); white-space: pre-wrap; }
.passed { color: var(--passed); } .warning { color: var(--warning); } .failed { color: var(--failed); }
.skipped { color: var(--skipped); } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--dim); font: 11px system-ui, sans-serif; }`;

export function renderPage(documents: readonly NamedDocument[]): string {
  const passed = documents.every((document) => document.passed);
  const title = `Rehearsal: ${passed ? 'passed' : 'failed'}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${STYLE}</style></head><body>
<h1 class="${passed ? 'passed' : 'failed'}">${title}</h1>
<p>A local test of synthesized templates. The load balancers are emulators on one machine. Not covered:
${NOT_COVERED.join(', ')}.</p>
${documents.map(renderDocument).join('\n')}
</body></html>
`;
}

function renderDocument({ name, checks, seconds, run }: NamedDocument): string {
  const counts = (['passed', 'failed', 'warning', 'skipped'] as const).flatMap((outcome) => {
    const count = checks.filter((check) => check.outcome === outcome).length;
    const label = outcome === 'warning' && count > 1 ? 'warnings' : outcome;
    return count === 0 ? [] : [`<span class="${outcome}">${count} ${label}</span>`];
  });
  const rows = checks.map(({ outcome, name: check, reason = '' }) =>
    `<tr><td class="${outcome}" title="${outcome}">${SIGNS[outcome]}</td>
<td>${escape(check)}<small>${escape(reason)}</small></td></tr>`);
  return `<h2>${escape(name)}</h2><p>${counts.join(', ')} in ${seconds} s</p>
${run ? renderPicture(run) : ''}
<table>${rows.join('\n')}</table>
${run ? renderTimeline(run.timeline) : ''}`;
}

/** The emulators, and the services that their listeners lead to. */
function renderPicture({ emulators, services }: RunDocument): string {
  const boxes = [
    ...emulators.map(({ name, listeners, targetGroups }) => box(name, [
      ...listeners.map((listener) => `listener ${listener.name}, rules: ${listener.rules}`),
      ...targetGroups.map((targetGroup) => `→ ${targetGroup}`),
    ])),
    ...services.map(({ name, tasks, size, engine, containers, targetGroups }) => box(name, [
      `${tasks} ${tasks === 1 ? 'task' : 'tasks'}: ${size}`, `containers: ${containers.join(', ')}`,
      `run by ${engine}`, ...targetGroups.map((targetGroup) => `← ${targetGroup}`),
    ])),
  ];
  return `<div class="picture">${boxes.join('')}</div>`;
}

function box(title: string, lines: readonly string[]): string {
  const small = lines.map((line) => `<small>${escape(line)}</small>`);
  return `<div class="box"><b>${escape(title)}</b>${small.join('')}</div>`;
}

const WIDTH = 640;
const LEFT = 110;
const RIGHT = WIDTH - 10;
const ROW = 18;
const PLOT = 90;

/** Requests per second with failures on top, then a row for each task with its states and the peak of its memory. */
function renderTimeline(timeline: TimelineDocument): string {
  const { seconds, events, requests } = timeline;
  const x = (at: number) => LEFT + (RIGHT - LEFT) * at / Math.max(1, seconds);
  const max = Math.max(1, ...requests.map(({ answered, failed }) => answered + failed));
  const tasks = [...new Set(events.map(({ task }) => task))];
  const rows = tasks.map((task, index) => renderTask(task, PLOT + 40 + ROW * index, timeline, x));
  return `<h2>Timeline</h2>
<p>Requests to tasks in each second, at most ${max}; failed ones in red, also those to a task that was killed. Below,
the tasks with the peak of their memory: green is healthy, yellow is starting, red is unhealthy.</p>
<svg viewBox="0 0 ${WIDTH} ${PLOT + 50 + ROW * tasks.length}" role="img" aria-label="Requests and tasks">
<text x="0" y="20">${max} requests</text><text x="${LEFT}" y="${PLOT + 24}">0 s</text>
<text x="${RIGHT}" y="${PLOT + 24}" text-anchor="end">${Math.round(seconds)} s</text>
<line x1="${LEFT}" x2="${RIGHT}" y1="${PLOT + 10}" y2="${PLOT + 10}" stroke="var(--line)"/>
${requests.map((count, second) => renderRequests(count, max, [x(second), x(second + 0.9)])).join('')}
${rows.join('\n')}</svg>`;
}

function renderRequests({ answered, failed }: RequestCount, max: number, [from, to]: [number, number]): string {
  const bottom = 10 + PLOT;
  const middle = bottom - PLOT * answered / max;
  return rectangle([from, to], [middle, bottom], 'load')
    + rectangle([from, to], [middle - PLOT * failed / max, middle], 'failed');
}

function renderTask(
  task: string, y: number, { seconds, events, memory }: TimelineDocument, x: (at: number) => number,
): string {
  const own = events.filter((event) => event.task === task);
  const states = own.filter(({ text }) => !text.startsWith('exited')).map(({ seconds: from, text }) => {
    const to = own.find((event) => event.seconds > from)?.seconds ?? seconds;
    const color = { healthy: 'passed', unhealthy: 'failed' }[text] ?? 'warning';
    return rectangle([x(from), x(to)], [y - 8, y], color, `${task} ${text} after ${from} s`);
  });
  const peak = Math.max(0, ...memory.filter((sample) => sample.task === task).map(({ usedShare }) => usedShare));
  const label = peak > 0 ? `${task}, ${Math.round(100 * peak)} %` : task;
  return `<text x="0" y="${y}">${escape(label)}</text>${states.join('')}`;
}

function rectangle(
  [left, right]: [number, number], [top, bottom]: [number, number], color: string, title = '',
): string {
  return bottom <= top ? ''
    : `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${Math.max(1, right - left).toFixed(1)}"`
      + ` height="${(bottom - top).toFixed(1)}" fill="var(--${color})"><title>${escape(title)}</title></rect>`;
}
