import { Duration, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ERROR_LINES } from './logs';
import { ServiceMetrics } from './service-metrics';

/** What a dashboard shows. */
export interface DashboardContext {
  readonly metrics: ServiceMetrics;
  /** Further alarms may join them. */
  readonly alarms: cloudwatch.IAlarm[];
  readonly logGroup: logs.ILogGroup;
  /** Whether ECS counts the tasks that should run. */
  readonly hasContainerInsights: boolean;
  readonly url: string;
}

const MINUTE = Duration.minutes(1);
const WIDTH = 24;
const THIRD = { width: WIDTH / 3, height: 6 };

/**
 * One page, in the order in which a person on call asks: is there an alarm, do requests come and go wrong, do tasks run,
 * have they enough, and what do they say.
 */
export function newDashboard(scope: Construct, { metrics, alarms, logGroup, hasContainerInsights, url }: DashboardContext): cloudwatch.Dashboard {
  const dashboard = new cloudwatch.Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(3), periodOverride: cloudwatch.PeriodOverride.AUTO });
  const name = scope.node.path;

  dashboard.addWidgets(new cloudwatch.TextWidget({
    markdown: `# ${name}\n[${url}](${url})`,
    width: WIDTH,
    height: 2,
    background: cloudwatch.TextWidgetBackground.TRANSPARENT,
  }));
  dashboard.addWidgets(new AlarmsWidget(alarms));

  const count = { leftYAxis: { min: 0, label: 'count', showUnits: false } };
  dashboard.addWidgets(
    graph('Requests a minute', [metrics.requests({ period: MINUTE, label: 'requests' })], count),
    graph('Failed requests a minute', [
      metrics.serverErrors({ period: MINUTE, label: metrics.targets ? '5xx of the tasks' : '5xx', color: cloudwatch.Color.RED }),
      ...Object.values(metrics.unansweredEach({ period: MINUTE })),
      metrics.clientErrors({ period: MINUTE, label: '4xx: clients did wrong', color: cloudwatch.Color.GREY }),
    ], count),
    graph('Response time', ['p50', 'p95', 'p99'].map((statistic) => metrics.responseTime({ period: MINUTE, statistic, label: statistic })),
      { leftYAxis: { min: 0, label: 'seconds', showUnits: false } }),
  );

  const percent = { leftYAxis: { min: 0, max: 100, label: '%', showUnits: false } };
  const healthy = metrics.healthyTasks({ period: MINUTE, statistic: 'Minimum', label: 'healthy' });
  dashboard.addWidgets(
    graph('Tasks', [
      ...healthy ? [healthy] : [],
      metrics.runningTasks({ period: MINUTE, label: 'running' }),
      ...hasContainerInsights ? [metrics.ofInsights('DesiredTaskCount', { period: MINUTE, statistic: 'Maximum', label: 'desired', color: cloudwatch.Color.GREY })] : [],
    ], count),
    graph('CPU', ['Average', 'Maximum'].map((statistic) => metrics.cpuUtilization({ period: MINUTE, statistic, label: statistic })), percent),
    graph('Memory', ['Average', 'Maximum'].map((statistic) => metrics.memoryUtilization({ period: MINUTE, statistic, label: statistic })), percent),
  );

  dashboard.addWidgets(new cloudwatch.LogQueryWidget({
    title: 'Errors in the log, the newest first',
    logGroupNames: [logGroup.logGroupName],
    queryString: ERROR_LINES.toString(),
    view: cloudwatch.LogQueryVisualizationType.TABLE,
    width: WIDTH,
    height: 8,
  }));
  dashboard.addWidgets(new cloudwatch.TextWidget({
    markdown: 'This page costs $3 a month, an alarm $0.10 for each metric that it reads, and the table of errors $0.005 for each GB of log that is '
      + 'searched when the page is opened (list prices of us-east-1, 2026-09). `estimateMonthlyCost()` says what the service costs.',
    width: WIDTH,
    height: 2,
    background: cloudwatch.TextWidgetBackground.TRANSPARENT,
  }));
  return dashboard;
}

/** Where a dashboard is shown. */
export function dashboardUrl(dashboard: cloudwatch.Dashboard): string {
  const { region } = Stack.of(dashboard);
  const isIn = (prefix: string) => !Token.isUnresolved(region) && region.startsWith(prefix);
  const host = isIn('cn-') ? 'console.amazonaws.cn' : isIn('us-gov-') ? 'console.amazonaws-us-gov.com' : 'console.aws.amazon.com';
  return `https://${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`;
}

function graph(title: string, left: cloudwatch.IMetric[], props: Partial<cloudwatch.GraphWidgetProps>): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, legendPosition: cloudwatch.LegendPosition.BOTTOM, ...THIRD, ...props });
}

/** The state of all alarms, of which some may join later. CloudWatch takes none of these widgets without an alarm, and this one is not there then. */
class AlarmsWidget extends cloudwatch.AlarmStatusWidget {
  constructor(private readonly alarms: cloudwatch.IAlarm[]) {
    super({ title: 'Alarms', alarms, width: WIDTH, height: 2 });
  }

  public toJson(): any[] {
    return this.alarms.length > 0 ? super.toJson() : [];
  }
}
