import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HelloFargateService } from '../src';

/** The picture of README, drawn from the template of the default service. Fits a phone, on light and dark pages. */

const WIDTH = 400;
const MIDDLE = WIDTH / 2;
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
  .title { font-weight: 600; }
  .small { font-size: 11.5px; fill: #59636e; }
  .left { text-anchor: start; }
  rect { fill: none; stroke: #818b98; rx: 6px; }
  .part { fill: #f6f8fa; stroke: #1f2328; }
  .subnet { stroke-dasharray: 4 3; }
  path { fill: none; stroke: #1f2328; }
  .head { fill: #1f2328; stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .part { fill: #151b23; stroke: #f0f6fc; }
    path { stroke: #f0f6fc; }
    .head { fill: #f0f6fc; }
  }`;

type Box = readonly [x: number, y: number, width: number, height: number];

const frame = ([x, y, width, height]: Box, style = '') =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}"${style && ` class="${style}"`}/>`;

const text = (x: number, y: number, content: string, style = '') =>
  `<text x="${x}" y="${y}"${style && ` class="${style}"`}>${content}</text>`;

/** A part of the service: a title, and what is worth knowing about it. */
function part(x: number, y: number, width: number, [title, ...lines]: string[]): string {
  const middle = x + width / 2;
  return [
    frame([x, y, width, 28 + 16 * lines.length], 'part'),
    text(middle, y + 19, title, 'title'),
    ...lines.map((line, i) => text(middle, y + 36 + 16 * i, line, 'small')),
  ].join('\n');
}

/** An arrow from above, around a corner if the two are not below each other. */
function arrow(fromX: number, fromY: number, toX: number, toY: number): string {
  const bend = (fromY + toY) / 2;
  return `<path d="M${fromX} ${fromY} V${bend} H${toX} V${toY - 6}"/>\n`
    + `<path class="head" d="M${toX - 4} ${toY - 7} h8 l-4 7 z"/>`;
}

/** Draws the default service. Throws if its template has something that the picture would not show. */
export function drawDefaultService(): string {
  const stack = new Stack(new App(), 'Stack');
  new HelloFargateService(stack, 'Hello');
  const template = Template.fromStack(stack);
  const all = (type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
  const [listener] = all('AWS::ElasticLoadBalancingV2::Listener');
  const [group] = all('AWS::ElasticLoadBalancingV2::TargetGroup');
  const [service] = all('AWS::ECS::Service');
  const [task] = all('AWS::ECS::TaskDefinition');
  const [logs] = all('AWS::Logs::LogGroup');
  const [vpc] = all('AWS::EC2::VPC');
  const subnets = all('AWS::EC2::Subnet');
  const [container] = task.ContainerDefinitions;
  const [{ ContainerPort: port }] = container.PortMappings;
  const { MinimumHealthyPercent: min, MaximumPercent: max } = service.DeploymentConfiguration;
  if (all('AWS::EC2::NatGateway').length > 0 || subnets.length !== 2 || service.DesiredCount !== 2) {
    throw new Error('the default service is not what tools/picture.ts draws');
  }
  const delay = group.TargetGroupAttributes.find(({ Key }: { Key: string }) => Key.startsWith('deregistration_delay'));
  const probe = `GET ${group.HealthCheckPath} every ${group.HealthCheckIntervalSeconds} s`;
  const drain = `drains ${delay.Value} s`;
  const size = `${task.Cpu / 1024} vCPU, ${task.Memory} MiB`;

  const subnetFrames = subnets.map(({ CidrBlock }, i) => {
    const x = 28 + 178 * i;
    return [
      frame([x, 182, 166, 140], 'subnet'),
      part(x + 10, 204, 146, ['task', size, task.RuntimePlatform.CpuArchitecture, `port ${port}`]),
      text(x + 83, 297, `public subnet ${CidrBlock}`, 'small'),
      text(x + 83, 313, `Availability Zone ${i + 1}`, 'small'),
    ].join('\n');
  });
  const y = 406;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 460" width="${WIDTH}" height="460" role="img" aria-labelledby="title">
<title id="title">A load balancer in front of two tasks in two Availability Zones</title>
<style>${STYLE}
</style>
${part(130, 8, 140, ['internet'])}
${arrow(MIDDLE, 36, MIDDLE, 92)}
${text(MIDDLE + 10, 58, `${listener.Protocol} ${listener.Port}`, 'small left')}
${frame([12, 70, WIDTH - 24, 320])}
${text(22, 86, `VPC ${vpc.CidrBlock}`, 'small left')}
${part(70, 92, 260, ['Application Load Balancer', probe, drain])}
${subnetFrames.join('\n')}
${arrow(MIDDLE, 152, 111, 204)}
${arrow(MIDDLE, 152, 289, 204)}
${text(MIDDLE, 342, `ECS service on Fargate: ${service.DesiredCount} tasks`, 'title')}
${text(MIDDLE, 360, `${min} to ${max} % healthy in a deployment`, 'small')}
${text(MIDDLE, 376, `rolled back by the circuit breaker and ${all('AWS::CloudWatch::Alarm').length} alarms`, 'small')}
${part(28, y, 166, ['Amazon ECR', 'image of the example app'])}
${part(206, y, 166, ['CloudWatch Logs', `kept for ${logs.RetentionInDays} days`])}
</svg>
`;
}
