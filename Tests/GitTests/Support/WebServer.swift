import FoundationEssentials
import Glibc

/// Apache on 127.0.0.1 with TLS, basic authentication and `git http-backend`, as Git documents it; and Apache as a proxy.
/// Each is one process and ends with its sandbox.
struct WebServer {
    let port: Int
    /// The certificate of the authority that signed the server's.
    let authority: String
    let log: String

    private static let modules = "/usr/lib/apache2/modules"

    /// Lets in the user `ada` with the password `s3cret`; its certificate is for `localhost`.
    init(_ sandbox: Sandbox) throws {
        let directory = "\(sandbox.path)/web"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Apache gives up root, so the repositories have to be readable.
        chmod(sandbox.path, 0o755)
        log = "\(directory)/access.log"
        authority = "\(directory)/ca.pem"
        try Self.makeCertificates(sandbox, directory)
        try sandbox.run("htpasswd", "-cbB", "\(directory)/users", "ada", "s3cret")
        port = try Self.start(
            sandbox, directory,
            modules: [
                "mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "cgi", "alias",
                "env",
                "ssl",
            ],
            """
            KeepAlive Off
            CustomLog \(log) "%u %m %U %s"
            SSLEngine on
            SSLSessionCache none
            SSLCertificateFile \(directory)/cert.pem
            SSLCertificateKeyFile \(directory)/key.pem
            SetEnv GIT_PROJECT_ROOT \(sandbox.path)
            SetEnv GIT_HTTP_EXPORT_ALL 1
            SetEnv GIT_CONFIG_COUNT 1
            SetEnv GIT_CONFIG_KEY_0 safe.directory
            SetEnv GIT_CONFIG_VALUE_0 *
            ScriptAlias / /usr/lib/git-core/git-http-backend/
            <Location />
            AuthType Basic
            AuthName git
            AuthUserFile \(directory)/users
            Require valid-user
            </Location>
            """)
    }

    /// A proxy that passes connections on.
    init(proxy sandbox: Sandbox) throws {
        let directory = "\(sandbox.path)/proxy"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        chmod(sandbox.path, 0o755)
        log = "\(directory)/access.log"
        authority = ""
        port = try Self.start(
            sandbox, directory, modules: ["mpm_worker", "authz_core", "proxy", "proxy_connect", "proxy_http"],
            """
            CustomLog \(log) "%m %U %s"
            ProxyRequests On
            AllowCONNECT 1-65535
            """)
    }

    func url(_ origin: Origin, userinfo: String = "") -> String {
        "https://\(userinfo)localhost:\(port)/\(origin.path.split(separator: "/").last ?? "")"
    }

    var requests: [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private static func start(
        _ sandbox: Sandbox, _ directory: String, modules: [String], _ settings: String
    ) throws -> Int {
        let port = try SilentServer().port
        let loading = modules.map { "LoadModule \($0)_module \(Self.modules)/mod_\($0).so" }.joined(separator: "\n")
        let configuration = try sandbox.write(
            """
            ServerRoot "\(directory)"
            DefaultRuntimeDir "\(directory)"
            ServerName localhost
            PidFile \(directory)/pid
            Listen 127.0.0.1:\(port)
            \(loading)
            ErrorLog \(directory)/error.log
            LogLevel warn
            User nobody
            Group nogroup
            \(settings)

            """, to: "\(directory)/apache.conf")
        // In one process Apache does not say when it listens.
        let script = """
            (until (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null; do kill -0 $$ || exit; sleep 0.05; done; echo ready) &
            exec /usr/sbin/apache2 -X -f '\(configuration)'
            """
        _ = try sandbox.start(["bash", "-c", script]) { $0 == "ready" }
        return port
    }

    private static func makeCertificates(_ sandbox: Sandbox, _ directory: String) throws {
        try sandbox.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Own authority",
            "-keyout", "\(directory)/ca.key", "-out", "\(directory)/ca.pem")
        try sandbox.run(
            "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout",
            "\(directory)/key.pem", "-out", "\(directory)/request.pem")
        let names = try sandbox.write("subjectAltName=DNS:localhost\n", to: "\(directory)/names")
        try sandbox.run(
            "openssl", "x509", "-req", "-in", "\(directory)/request.pem", "-CA", "\(directory)/ca.pem", "-CAkey",
            "\(directory)/ca.key", "-CAcreateserial", "-days", "2", "-extfile", names, "-out", "\(directory)/cert.pem")
    }
}
