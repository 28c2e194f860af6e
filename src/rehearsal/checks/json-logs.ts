import { CheckSubject, passed, skipped, warning } from './check';
import { Check } from '../report/report';
import { RunningTask } from '../running-service';

const JSON_LOGS: CheckSubject = { id: 'json-logs', name: 'each log line is a JSON object' };

export function checkJsonLogs(tasks: readonly RunningTask[]): Check {
  const lines = tasks.reduce((sum, { log }) => sum + log.lines, 0);
  if (lines === 0) { return skipped(JSON_LOGS, 'the app logs nothing'); }
  const plain = tasks.map(({ log }) => log.firstPlainLine).find((line) => line !== undefined);
  return plain === undefined
    ? passed(JSON_LOGS, `${lines} lines`)
    : warning(JSON_LOGS, `"${plain.slice(0, 80)}" is not: Logs Insights and metric filters read fields only from JSON`);
}
