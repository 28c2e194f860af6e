const { DescribeTasksCommand, ECSClient, RunTaskCommand } = require('@aws-sdk/client-ecs');

const ecs = new ECSClient();

exports.startTask = async ({ RequestType, RequestId, ResourceProperties: properties }) => {
  if (RequestType === 'Delete') { return {}; }
  const { Cluster, TaskDefinition, Container, Command, Subnets, SecurityGroups } = properties;
  const { tasks: [task], failures: [failure] } = await ecs.send(new RunTaskCommand({
    cluster: Cluster,
    taskDefinition: TaskDefinition,
    launchType: 'FARGATE',
    startedBy: 'migration',
    // CloudFormation can send a request twice.
    clientToken: RequestId,
    networkConfiguration: { awsvpcConfiguration: { subnets: Subnets, securityGroups: SecurityGroups } },
    overrides: { containerOverrides: [{ name: Container, command: Command }] },
  }));
  if (!task) { throw new Error(`The migration task could not start: ${failure.reason} ${failure.detail ?? ''}`); }
  return { PhysicalResourceId: 'migration', Data: { TaskArn: task.taskArn } };
};

exports.isStopped = async ({ RequestType, Data, ResourceProperties: { Cluster, Container } }) => {
  if (RequestType === 'Delete') { return { IsComplete: true }; }
  const { tasks: [task] } = await ecs.send(new DescribeTasksCommand({ cluster: Cluster, tasks: [Data.TaskArn] }));
  // A task that was started a moment ago may not be listed yet.
  if (task?.lastStatus !== 'STOPPED') { return { IsComplete: false }; }
  const { exitCode, reason } = task.containers.find(({ name }) => name === Container);
  if (exitCode !== 0) {
    const cause = exitCode === undefined ? `${task.stoppedReason} ${reason ?? ''}` : `exit code ${exitCode}`;
    throw new Error(`The migration ${Data.TaskArn} failed: ${cause}. Its output is in the log group of the service.`);
  }
  return { IsComplete: true };
};
