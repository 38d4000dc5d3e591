/// `git http-backend` behind a small HTTP server on 127.0.0.1; it ends with its sandbox.
struct HTTPServer {
    enum Behaviour: String {
        case open, basic, redirect, tls, redirectTLS
        /// Writes down what it is sent and asks for credentials.
        case catching
    }

    let port: Int
    let log: String
    let certificate: String

    /// With `basic` it wants the user `ada` and the password `s3cret`.
    init(_ sandbox: Sandbox, _ behaviour: Behaviour = .open, redirectTo target: String = "") throws {
        log = "\(sandbox.path)/http-\(behaviour.rawValue).log"
        certificate = "\(sandbox.path)/certificate.pem"
        if behaviour == .tls || behaviour == .redirectTLS {
            try sandbox.run(
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(sandbox.path)/key.pem", "-out", certificate)
        }
        let script = try sandbox.write(Self.program, to: "server.py")
        let line = try sandbox.start(["python3", script, sandbox.path, behaviour.rawValue, log, target]) {
            $0.hasPrefix("port ")
        }
        port = Int(line.dropFirst(5)) ?? 0
    }

    private static let program = #"""
        import base64, http.server, os, ssl, subprocess, sys
        root, behaviour, log, target = sys.argv[1:5]

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                with open(log, "a") as file:
                    file.write(self.command + " " + self.path + "\n")

            def answer(self, status, headers=(), body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_git(self):
                length = int(self.headers.get("Content-Length") or 0)
                if self.headers.get("Transfer-Encoding") == "chunked":
                    data = b""
                    while size := int(self.rfile.readline(), 16):
                        data += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    data = self.rfile.read(length)
                if behaviour.startswith("redirect"):
                    return self.answer(301, [("Location", target + self.path)])
                if behaviour == "catching":
                    with open(log, "a") as file:
                        file.write(str(self.headers))
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')])
                wanted = "Basic " + base64.b64encode(b"ada:s3cret").decode()
                if behaviour == "basic" and self.headers.get("Authorization") != wanted:
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')])
                path, _, query = self.path.partition("?")
                environment = dict(os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                    QUERY_STRING=query, REQUEST_METHOD=self.command, REMOTE_USER="ada", REMOTE_ADDR="127.0.0.1",
                    CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(data)))
                if self.headers.get("Content-Encoding"):
                    environment["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
                done = subprocess.run(["git", "http-backend"], input=data, env=environment, capture_output=True)
                head, _, body = done.stdout.partition(b"\r\n\r\n")
                headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
                status = next((int(v.split()[0]) for n, v in headers if n == "Status"), 200)
                self.answer(status, [h for h in headers if h[0] != "Status"], body)

            do_GET = do_POST = handle_git

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if behaviour in ("tls", "redirectTLS"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(root + "/certificate.pem", root + "/key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print("port", server.server_address[1], flush=True)
        server.serve_forever()
        """#
}
