using Amazon.CDK;

namespace HelloAndShop
{
    public static class Program
    {
        public static void Main()
        {
            var app = new App();
            new HelloStack(app, "Hello");
            new ShopStack(app, "Shop");
            app.Synth();
        }
    }
}
