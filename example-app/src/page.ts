import { Info } from './info';

/** Separate from the page, because the content security policy contains its hash. */
export const PAGE_STYLE = `
  :root { color-scheme: light dark; --ink: #16202c; --soft: #566273; --line: #dfe4ea; --ground: #f5f7f9; --card: #fff;
    --mark: #b45309; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8edf3; --soft: #9aa7b6; --line: #2b3542; --ground: #0e141b; --card: #161e28; --mark: #fbbf24; }
  }
  * { box-sizing: border-box; margin: 0; }
  body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
    color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
  main { width: 100%; max-width: 44rem; padding: 2.5rem; background: var(--card); border: 1px solid var(--line);
    border-top: 4px solid var(--mark); border-radius: 0.75rem; }
  h1 { font-size: clamp(1.75rem, 6vw, 2.5rem); line-height: 1.15; letter-spacing: -0.02em; }
  p { margin-top: 0.75rem; color: var(--soft); }
  dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1px; margin: 2rem 0;
    border: 1px solid var(--line); border-radius: 0.5rem; overflow: hidden; }
  dl div { padding: 0.75rem 1rem; box-shadow: 0 0 0 1px var(--line); }
  dt { font-size: 0.8125rem; color: var(--soft); }
  dd { font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
  nav { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; }
  a { color: inherit; text-decoration-color: var(--mark); text-decoration-thickness: 2px;
    text-underline-offset: 0.25em; }
  a:hover, a:focus-visible { color: var(--mark); }
  @media (max-width: 30rem) { main { padding: 1.5rem; } }
`;

const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
  + "%3Crect width='8' height='8' rx='2' fill='%23b45309'/%3E"
  + "%3Cpath d='M2.5 2v4M5.5 2v4M2.5 4h3' stroke='white'/%3E%3C/svg%3E";

/** Renders a page that loads no scripts, fonts or images. */
export function renderPage({ task, ...app }: Info): string {
  const facts: [string, string | number | undefined][] = [
    ['Task', task?.id ?? 'not on ECS'],
    ['Availability Zone', task?.zone],
    ['Version', app.version],
    ['Uptime', formatUptime(app.uptimeSeconds)],
    ['Commit', app.commit?.slice(0, 7)],
    ['Revision', task?.revision],
    ['Size', task?.cpu && `${task.cpu} vCPU, ${task.memoryMiB} MiB`],
    ['Runs on', `Node.js ${app.node}, ${app.architecture}`],
  ];
  const items = facts
    .filter(([, value]) => value)
    .map(([term, value]) => `<div><dt>${term}</dt><dd>${escapeHtml(String(value))}</dd></div>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello from Fargate</title>
<link rel="icon" href="${ICON}">
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Hello from Fargate</h1>
<p>The service is running. Reload the page to see responses from other tasks.</p>
<dl>
${items.join('\n')}
</dl>
<nav><a href="/api/hello?name=you">/api/hello</a> <a href="/info">/info</a> <a href="/health">/health</a></nav>
</main>
</body>
</html>
`;
}

function formatUptime(seconds: number): string {
  const units: [number, string][] = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];
  const [size, unit] = units.find(([length]) => seconds >= length) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
