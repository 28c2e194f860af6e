import { Template } from 'aws-cdk-lib/assertions';
import { permissionsTable, portsTable } from './security-access';
import { Control, CONTROLS, Resources } from './security-controls';
import { ACCEPTED, countByPack, findingsOf, PACKS } from './security-nag';
import { SERVICES, templateOf } from './security-services';

/**
 * Prints the tables of SECURITY.md: what cdk-nag and AWS Security Hub find in the templates.
 *
 *     npx tsx tools/security.ts
 */

const RESULTS = { true: 'passes', false: '**fails**', undefined: '' };

function nagTable(): string[] {
  const packs = Object.keys(PACKS);
  return [
    `| | ${packs.join(' | ')} |`,
    `|---|${'---:|'.repeat(packs.length)}`,
    ...Object.keys(SERVICES).map((service) => `| ${service} | ${countByPack(findingsOf(service)).join(' | ')} |`),
  ];
}

function acceptedTable(): string[] {
  const names = (rules: string[]) => rules.map((rule) => `\`${rule.replace(/\[.*/, '')}\``).join(', ');
  return [
    '| resource | rules | reason |',
    '|---|---|---|',
    ...ACCEPTED.map(({ resource, rules, reason }) => `| ${resource} | ${names(rules)} | ${reason} |`),
  ];
}

function controlsTable(): string[] {
  const services = Object.keys(SERVICES);
  return [
    `| control | | ${services.join(' | ')} | reason for failures |`,
    `|---|---|${'---|'.repeat(services.length)}---|`,
    ...CONTROLS.map((control) => {
      const results = services.map((service) => RESULTS[`${result(control, templateOf(service))}`]);
      const cells = [control.id, control.title, ...results, control.reason ?? ''];
      return `| ${cells.join(' | ')} |`.replace(/ {2,}\|/g, ' |');
    }),
  ];
}

/** The tables of SECURITY.md by the name of their marker. */
export function tables(): Record<string, string> {
  return {
    nag: nagTable().join('\n'),
    accepted: acceptedTable().join('\n'),
    controls: controlsTable().join('\n'),
    permissions: permissionsTable('PRODUCTION, cloudFront'),
    ports: portsTable(),
  };
}

/** Whether a control passes in a template. `undefined` if the template has no such resource. */
export function result({ type, passes }: Control, template: Template): boolean | undefined {
  const resources: Resources = (wanted) =>
    Object.values(template.findResources(wanted.startsWith('Custom::') ? wanted : `AWS::${wanted}`))
      .map(({ Properties: properties = {} }) => properties);
  const properties = resources(type);
  return properties.length === 0 ? undefined : passes(properties, resources);
}

if (require.main === module) {
  Object.entries(tables()).forEach(([marker, table]) =>
    process.stdout.write(`<!-- ${marker} -->\n${table}\n<!-- /${marker} -->\n\n`));
}
