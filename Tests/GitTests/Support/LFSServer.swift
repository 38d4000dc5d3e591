import Crypto
import FoundationEssentials

@testable import Git

/// A server that speaks the batch API of Git LFS for every path that ends with `/objects/batch`; it ends with its sandbox.
///
/// It wants the user `ada` and the password `s3cret`, or the token that `git-lfs-authenticate` hands out. Its log has each
/// request with its `Authorization`.
struct LFSServer {
    enum Storage: String {
        /// Objects come from the server itself, for the same credentials.
        case own
        /// From the server itself, which sends on to another port for which no credentials are meant.
        case redirect
        /// From another port, with a token in the header of the action.
        case signed
        /// The API names an address that is not encrypted.
        case clear
    }

    let address: String
    let log: String
    let certificate: String
    let objects: String

    init(_ sandbox: Sandbox, _ storage: Storage = .own, tls: Bool = false) throws {
        log = "\(sandbox.path)/lfs.log"
        objects = "\(sandbox.path)/lfs-objects"
        certificate = "\(sandbox.path)/lfs-certificate.pem"
        try FileManager.default.createDirectory(atPath: objects, withIntermediateDirectories: true)
        if tls {
            try sandbox.run(
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(sandbox.path)/lfs-key.pem", "-out", certificate
            )
        }
        let script = try sandbox.write(Self.program, to: "lfs-server.py")
        let line = try sandbox.start(
            ["python3", script, objects, log, storage.rawValue, tls ? certificate : "", "\(sandbox.path)/lfs-key.pem"]
        ) { $0.hasPrefix("port ") }
        address = (tls ? "https://localhost:" : "http://127.0.0.1:") + line.dropFirst(5)
    }

    var requests: [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// Keeps the content on the server; returns its pointer.
    func keep(_ content: String) throws -> String {
        let pointer = LFSPointer(content)
        try Data(content.utf8).write(to: URL(filePath: "\(objects)/\(pointer.oid)"))
        return pointer.text
    }

    private static let program = #"""
        import base64, http.server, json, os, ssl, sys, threading
        objects, log, storage, certificate, key = sys.argv[1:6]
        basic = "Basic " + base64.b64encode(b"ada:s3cret").decode()
        allowed = [basic, "RemoteAuth t0ken"]

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def answer(self, status, headers=(), body=b""):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def note(self):
                port = "api" if self.server is api else "storage"
                with open(log, "a") as file:
                    file.write(f"{port} {self.command} {self.path} {self.headers.get('Authorization', '-')}\n")

            def do_POST(self):
                self.note()
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers.get("Authorization") not in allowed:
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="lfs"')])
                assert self.path.endswith("/objects/batch"), self.path
                assert self.headers["Accept"] == self.headers["Content-Type"] == "application/vnd.git-lfs+json"
                assert request["operation"] == "download" and "basic" in request["transfers"]
                answers = []
                for item in request["objects"]:
                    answer = {"oid": item["oid"], "size": item["size"]}
                    if not os.path.exists(objects + "/" + item["oid"]):
                        answer["error"] = {"code": 404, "message": "Object does not exist"}
                    elif storage == "signed":
                        answer["authenticated"] = True
                        answer["actions"] = {"download": {"href": base(store) + "/" + item["oid"] + "?signature=s1gned",
                            "header": {"Authorization": "Storage k3y"}, "expires_in": 60}}
                    elif storage == "clear":
                        answer["actions"] = {"download": {"href": "http://localhost:1/" + item["oid"]}}
                    else:
                        answer["actions"] = {"download": {"href": base(api) + "/" + item["oid"]}}
                    answers.append(answer)
                self.answer(200, [("Content-Type", "application/vnd.git-lfs+json")],
                    json.dumps({"transfer": "basic", "objects": answers}).encode())

            def do_GET(self):
                self.note()
                oid = self.path.lstrip("/").partition("?")[0]
                if self.server is api:
                    if self.headers.get("Authorization") not in allowed:
                        return self.answer(401)
                    if storage == "redirect":
                        return self.answer(302, [("Location", base(store) + "/" + oid + "?signature=s1gned")])
                elif "signature=s1gned" not in self.path:
                    return self.answer(403)
                with open(objects + "/" + oid, "rb") as file:
                    self.answer(200, body=file.read())

        def base(server):
            return ("https://localhost:" if certificate else "http://127.0.0.1:") + str(server.server_address[1])

        def start():
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            if certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate, key)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever).start()
            return server

        api, store = start(), start()
        print("port", api.server_address[1], flush=True)
        """#
}

extension LFSPointer {
    init(_ content: String) {
        let hex = SHA256.hash(data: Array(content.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.init(oid: hex, size: content.utf8.count)
    }

    var text: String { "version https://git-lfs.github.com/spec/v1\noid sha256:\(oid)\nsize \(size)\n" }
}

extension Origin {
    /// Keeps the content where git-lfs keeps it in a repository of this host; returns its pointer.
    func keep(_ content: String) throws -> String {
        let pointer = LFSPointer(content)
        let directory = "\(path)/lfs/objects/\(pointer.oid.prefix(2))/\(pointer.oid.dropFirst(2).prefix(2))"
        try sandbox.write(content, to: "\(directory)/\(pointer.oid)")
        return pointer.text
    }
}
