const { AlbToFargate } = require('@aws-solutions-constructs/aws-alb-fargate');
const ecs = require('aws-cdk-lib/aws-ecs');

exports.add = (stack, id) => {
  new AlbToFargate(stack, id, {
    publicApi: true,
    existingVpc: stack.node.tryFindChild('Vpc'),
    listenerProps: { protocol: 'HTTP' },
    containerDefinitionProps: { image: ecs.ContainerImage.fromAsset('example-app'), portMappings: [{ containerPort: 8080 }] },
  });
};
