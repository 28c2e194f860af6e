/*
 * Finds words and phrases that are not plain American technical English, with what to write instead.
 *
 *   npx tsx tools/check-language.ts
 *
 * Only comments, strings and text are checked, apart from rules for identifiers. A legitimate use is allowed by
 * `check-language: allow PHRASE` in a comment on the same line or on the line before it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import * as ts from 'typescript';

export interface LanguageRule {
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly instead: string;
  /** Also checks the names in code. @default - comments, strings and text only */
  readonly identifiers?: boolean;
  /** The files to which the rule applies. @default - all checked files */
  readonly files?: RegExp;
}

export interface Finding {
  readonly line: number;
  readonly phrase: string;
  readonly instead: string;
}

const CHECKED_FILES = new RegExp([
  '^(README|SECURITY|CONTRIBUTING|ARCHITECTURE|CODE_OF_CONDUCT)\\.md$',
  '^(docs|src|bin|examples|tools|bench)/',
  '^example-app/(src/|README\\.md$|Dockerfile$|bundle\\.ts$|health-check\\.js$)',
].join('|'));
/** This file contains the phrases, and lock files and pictures contain no prose. */
const SKIPPED_FILES = /^tools\/check-language\.ts$|-lock\.json$|\.(png|svg|ico|jar|sum|lock)$/;
/** What can be between two words: spaces, and a line break with the marker of a comment or a quotation. */
const GAP = /\s+(?:(?:\*|\/\/|#|>)\s+)?/g;
const REHEARSAL = /^src\/rehearsal\//;

const WORDS: LanguageRule[] = [
  { pattern: /\b(?:say|says|saying|said)\b/, instead: 'set, configure, specify; print, report; mean' },
  { pattern: /\b(?:tell|tells|telling|told)\b/, instead: 'configure, pass; notify; distinguish' },
  { pattern: /\b(?:nobody|somebody)\b/, instead: 'name the subject, or "no subscribers"' },
  { pattern: /\bwhom\b/, instead: 'subscribers, recipients' },
  { pattern: /\bwhoever\b/, instead: 'name the subject' },
  { pattern: /\bundo(?:es|ne|ing)?\b/, instead: 'roll back, rolls back, rolled back' },
  { pattern: /\bdearer\b/, instead: 'more expensive' },
  { pattern: /\bwoken\b/, instead: 'notified' },
  { pattern: /\bverdicts?\b/, instead: 'result', identifiers: true },
  { pattern: /\bstand-?ins?\b/, instead: 'load balancer emulator, emulator' },
  { pattern: /\bdemanded\b/, instead: 'required' },
  { pattern: /\bwins\b/, instead: 'overrides, takes precedence' },
  { pattern: /\b(?:birth|born)\b/, instead: 'created, started' },
  { pattern: /\b(?:death|die|dies|died|dying)\b/, instead: 'exits, stops' },
  { pattern: /\blies\b/, instead: 'is in' },
  { pattern: /\banew\b/, instead: 'again; "regenerate …"' },
  { pattern: /\bfor ever\b/, instead: 'permanently' },
  { pattern: /(?<!\b(?:availability|hosted|domain|local|time|DNS|private) )\bzones?\b/, instead: 'Availability Zones' },
];

const PHRASES: LanguageRule[] = [
  { pattern: /\b(?:stands?|stood) (?:in|under|beside|on|at|there)\b/, instead: 'is in, is created in' },
  { pattern: /\bways? (?:in|out)\b(?! (?:which|any|your|a|the)\b)/, instead: 'ingress; outbound internet access' },
  { pattern: /\bunder way\b/, instead: 'in-flight, in progress' },
  { pattern: /\bwhat is open\b/, instead: 'in-flight requests' },
  { pattern: /\bon(?: |-)demand\b/, instead: 'On-Demand' },
  { pattern: /\btaken back\b/, instead: 'interrupted' },
  { pattern: /\bseen in an account\b/, instead: 'deployed to AWS' },
  { pattern: /\brefused when you\b/, instead: 'fails at synthesis with an error' },
  { pattern: /\bbelongs? into\b/, instead: 'belongs in' },
  { pattern: /\bput a container beside\b/, instead: 'add a sidecar' },
  { pattern: /\bdo without an?\b/, instead: 'use … instead of' },
  { pattern: /\bkeep it inside\b/, instead: 'make it internal' },
  { pattern: /\breach what has no prop\b/, instead: 'escape hatches' },
  { pattern: /\bwhat goes with what\b/, instead: 'feature compatibility' },
  { pattern: /\bcome and go\b/, instead: 'during deployments and scaling' },
  { pattern: /\bso long\b/, instead: 'how long; while' },
  { pattern: /\bso many\b/, instead: 'the number of … that' },
  { pattern: /\bof yours\b/, instead: 'your' },
  { pattern: /\bwhat it is\b(?! \w+(?:ed|ing)\b)/, instead: 'name it' },
  { pattern: /(?<!there )\b(?:is|are) none\b/, instead: 'is not a …' },
  { pattern: /\b(?:was|is|were|are) to be had\b/, instead: 'is available' },
  { pattern: /\bwhatever becomes\b/, instead: 'regardless of' },
  { pattern: /\bwhatever machine\b/, instead: 'regardless of the build machine' },
  { pattern: /\btaken for granted\b/, instead: 'assumed' },
  { pattern: /\bNAT bill\b/, instead: 'NAT gateway charges' },
  { pattern: /\ballow lists of others\b/, instead: 'third-party allow lists' },
  { pattern: /\breplaces one decision\b/, instead: 'overrides a default' },
  { pattern: /\bis the one place\b/, instead: 'is configured in' },
  { pattern: /\bthe VPC has such\b/, instead: 'if available' },
  { pattern: /\bfunctions that run while\b/, instead: 'Lambda functions used only during deployment' },
  { pattern: /\bwhat they broke off\b/, instead: 'load balancer 502 and 504 responses' },
  { pattern: /\bnot rehearsed\b/, instead: 'skipped' },
];

const METAPHORS: LanguageRule[] = [
  { pattern: /\bplay(?:s|ed|ing)?\b/, instead: 'run', files: REHEARSAL },
  { pattern: /\b(?:cast|actors?|on stage)\b/, instead: 'services, tasks', files: REHEARSAL },
  { pattern: /\bperform(?:s|ed|ing)?\b/, instead: 'execute, run', files: REHEARSAL },
];

const SPELLINGS: LanguageRule[] = [
  ['behaviour', 'behavior'], ['colour', 'color'], ['favour', 'favor'], ['honour', 'honor'], ['neighbour', 'neighbor'],
  ['licence', 'license'], ['catalogue', 'catalog'], ['centre', 'center'], ['defence', 'defense'],
  ['artefact', 'artifact'], ['programme(?!r)', 'program'], ['whilst', 'while'],
  ['synthesis(?:e|es|ed|er|ing)(?!\\w)', 'synthesize'],
  ['analys(?:e|ed|er|ing)(?!\\w)', 'analyze'],
  ['(?:memo|normal|serial|initial|optim|organ|recogn|minim|maxim|custom|author|general|special|summar|util|final|'
    + 'emphas|capital|parametr|parameter|categor|prior|real|stabil|visual|synchron|standard)is(?:es|ed|er|e|ing|ation)',
  '…ize, …ization'],
].map(([pattern, instead]) => ({ pattern: new RegExp(pattern), instead, identifiers: true }));

const NAMES: LanguageRule[] = [
  // One is a name of AWS.
  {
    pattern: /\b(?:MOST|LEAST(?!_OUTSTANDING_REQUESTS\b)|LONGEST|SHORTEST)_\w+/,
    instead: 'MAX_, MIN_',
    identifiers: true,
  },
  { pattern: /\b(?:tellsSomebody|tellOfEvents|standIns?)\b/, instead: 'hasSubscribers; emulators', identifiers: true },
];

export const RULES: LanguageRule[] = [...WORDS, ...PHRASES, ...METAPHORS, ...SPELLINGS, ...NAMES];

/** Checks the text of one file. The path is relative to the repository and selects the syntax and the rules. */
export function checkText(path: string, text: string, rules = RULES): Finding[] {
  const source = blank(text, /\bhttps?:\/\/[^\s)>'"`]+/g);
  const prose = extractProse(path, source);
  const lines = text.split('\n');
  const findings: Finding[] = [];
  for (const { pattern, instead, identifiers, files } of rules) {
    if (files && !files.test(path)) { continue; }
    const expression = new RegExp(pattern.source.replaceAll(' ', GAP.source), 'gi');
    for (const match of (identifiers ? source : prose).matchAll(expression)) {
      const phrase = match[0].replaceAll(GAP, ' ');
      const line = text.slice(0, match.index).split('\n').length;
      if (!isAllowed(lines, line, phrase) && !isProperName(phrase)) { findings.push({ line, phrase, instead }); }
    }
  }
  return findings.sort((a, b) => a.line - b.line);
}

/** AWS writes On-Demand; constants such as CANCELLED and names of AWS are not prose. */
function isProperName(phrase: string): boolean {
  return phrase === 'On-Demand' || phrase === 'Zone' || phrase === 'Zones';
}

function isAllowed(lines: string[], line: number, phrase: string): boolean {
  return [lines[line - 1], lines[line - 2]].some((text) => {
    const [, allowed] = /check-language: allow (.*)/.exec(text ?? '') ?? [];
    return allowed?.toLowerCase().includes(phrase.toLowerCase());
  });
}

/** Replaces each match by spaces, so that all positions in the text remain the same. */
function blank(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, ' '));
}

/** Returns the text with everything blanked that is not prose. */
function extractProse(path: string, text: string): string {
  switch (extname(path)) {
    case '.md': return proseOfMarkdown(text);
    case '.ts':
    case '.js': return blank(proseOfScript(path, text), /`[^`\n]*`/g);
    default: return blank(commentsOf(text), /`[^`\n]*`/g);
  }
}

function proseOfMarkdown(text: string): string {
  let isFenced = false;
  const lines = text.split('\n').map((line) => {
    const isFence = /^\s*(?:```|~~~)/.test(line);
    if (isFence) { isFenced = !isFenced; }
    return isFence || isFenced ? commentsOf(line) : blank(line, /`[^`]*`/g);
  });
  return lines.join('\n');
}

/** Comments that start with # or //, and comment blocks, for the languages that have no parser here. */
function commentsOf(text: string): string {
  return text.split('\n').map((line) => {
    const start = line.search(/(?:^|\s)(?:#|\/\/|\/?\*\*?)(?:\s|$)/);
    return start < 0 ? ' '.repeat(line.length) : ' '.repeat(start) + line.slice(start);
  }).join('\n');
}

/** Comments, and strings of more than one word. */
function proseOfScript(path: string, text: string): string {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  let prose = text;
  const blankRange = (start: number, end: number) => {
    prose = prose.slice(0, start) + prose.slice(start, end).replaceAll(/[^\n]/g, ' ') + prose.slice(end);
  };
  const visit = (node: ts.Node) => {
    if (node.kind >= ts.SyntaxKind.FirstJSDocNode && node.kind <= ts.SyntaxKind.LastJSDocNode) { return; }
    const children = node.getChildren(file);
    children.forEach(visit);
    if (children.length > 0) { return; }
    const isString = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (!isString || !node.getText(file).trim().includes(' ')) {
      blankRange(node.getStart(file), node.getEnd());
    } else {
      // The quotation marks of a template literal are not those of a code span.
      blankRange(node.getStart(file), node.getStart(file) + 1);
      blankRange(node.getEnd() - 1, node.getEnd());
    }
  };
  visit(file);
  return prose;
}

function main() {
  const root = join(__dirname, '..');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024,
  });
  const paths = [...new Set(listed.split('\n'))]
    .filter((path) => CHECKED_FILES.test(path) && !SKIPPED_FILES.test(path) && existsSync(join(root, path)));
  let count = 0;
  for (const path of paths) {
    for (const { line, phrase, instead } of checkText(path, readFileSync(join(root, path), 'utf8'))) {
      console.error(`${path}:${line}: ${phrase} → ${instead}`);
      count += 1;
    }
  }
  console.log(`${paths.length} files, ${count} phrases to replace`);
  if (count > 0) { process.exitCode = 1; }
}

if (require.main === module) {
  main();
}
