import Testing

@testable import Compose

/// Relative paths in a project's files stay in its repository; absolute ones say what they mean.
@Suite struct ConfinementTests {
    private func problems(_ text: String, _ more: [String: String] = [:]) -> String {
        MemoryFiles(more.merging(["stack/compose.yaml": text]) { $1 }).problems { request in
            request.projectDirectory = "/p/stack"
            request.workingDirectory = "/p/stack"
            request.confinement = "/p"
        }
    }

    @Test(arguments: [
        ("secrets: {s: {file: ../../x}}", "secrets.s.file", "../../x"),
        ("configs: {s: {file: ../../x}}", "configs.s.file", "../../x"),
        (
            "volumes: {v: {driver: local, driver_opts: {type: none, o: bind, device: ../../x}}}",
            "volumes.v.driver_opts.device", "../../x"
        ),
    ])
    func `a file that leaves the repository is refused with its place`(text: String, place: String, path: String) {
        let found = problems("services: {web: {image: x}}\n\(text)\n")
        #expect(
            found.hasPrefix("/p/stack/compose.yaml:2:")
                && found.hasSuffix(
                    "\(place): \"\(path)\" leads out of the checkout; only an absolute path can name what is not in it"
                ),
            "\(found)")
    }

    @Test(arguments: [
        "volumes: [../../x:/x]", "volumes: [{type: bind, source: ../../x, target: /x}]",
        "volumes: [../../../../watcher.db:/db]",
        "env_file: ../../x", "env_file: [{path: ../../x, required: false}]", "label_file: ../../x", "build: ../..",
        "build: {context: ., additional_contexts: {c: ../../x}}", "volumes: [./a/../../../x:/x]",
        "extends: {file: ../../x.yaml, service: a}",
    ])
    func `an attribute of a service that leaves the repository is refused with its place`(attribute: String) {
        let found = problems("services:\n  web:\n    image: x\n    \(attribute)\n")
        #expect(
            found.hasPrefix("/p/stack/compose.yaml:4:") && found.contains("leads out of the checkout"), "\(found)")
    }

    @Test(arguments: [
        "include: [../../x.yaml]", "include: [{path: a.yaml, env_file: ../../x}]",
        "include: [{path: a.yaml, project_directory: ../..}]",
    ])
    func `what is included does not leave the repository`(include: String) {
        let found = problems(
            "\(include)\nservices: {web: {image: x}}\n", ["stack/a.yaml": "services: {a: {image: x}}\n"])
        #expect(
            found.hasPrefix("/p/stack/compose.yaml:1:") && found.contains("leads out of the checkout"), "\(found)")
    }

    @Test func `all of them are told at once`() {
        #expect(
            problems("services: {web: {image: x, volumes: [../../a:/a, ../../b:/b]}}\n").split(separator: "\n").count
                == 2)
    }

    @Test func `what stays in the repository, is absolute, or is for docker compose alone is fine`() {
        #expect(
            problems(
                """
                services:
                  web:
                    image: x
                    volumes: [../shared:/s, /srv/data:/d, named:/n, ~/x:/h]
                    env_file: [{path: /etc/app/x.env, required: false}]
                    build: {context: .., additional_contexts: {u: "https://host/../../x"}}
                    develop: {watch: [{path: ../../x, action: rebuild}]}
                volumes: {named: {}}
                """) == "")
    }

    @Test func `without a repository paths lead anywhere, as with docker compose`() {
        #expect(
            MemoryFiles(["compose.yaml": "services: {web: {image: x, volumes: [../../x:/x]}}\n"]).problems() == "")
    }
}
