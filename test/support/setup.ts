// Halves the time of a synthesis: creation stack traces are read by no test, and no test needs copies of assets.
process.env.CDK_CONTEXT_JSON = JSON.stringify({
  'aws:cdk:disable-creation-stack-traces': true,
  'aws:cdk:disable-asset-staging': true,
});
