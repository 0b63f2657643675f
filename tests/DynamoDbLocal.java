import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on the loopback interface only: its own main class listens on every interface and has no option
 * against it. Run by tests/dynamodb-local.sh, with DynamoDB Local's own arguments.
 */
final class DynamoDbLocal {
    public static void main(String[] args) throws Exception {
        DynamoDBProxyServer local = ServerRunner.createServerFromCommandLineArgs(args);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        for (var connector : ((Server) field.get(local)).getConnectors()) {
            var listener = (ServerConnector) connector;
            listener.setHost("127.0.0.1");
            // Opened here, so that a port in use ends the program: start() only prints it.
            listener.open();
        }
        local.start();
        local.join();
    }
}
