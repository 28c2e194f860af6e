using Amazon.CDK;
using Constructs;
using HelloFargate;

namespace HelloAndShop
{
    /// <summary>The default service: no props.</summary>
    public class HelloStack : Stack
    {
        public HelloStack(Construct scope, string id) : base(scope, id)
        {
            new HelloFargateService(this, "Hello");
        }
    }
}
