import Compose
import Testing
import WatcherTestSupport
import YAML

/// A service of the configuration as a Compose project.
@Suite struct ConfiguredServiceTests {
    private func project(_ yaml: String, environment: [String: String] = [:]) throws -> Project {
        let node = try #require(try YAMLParser.documents(in: Array(yaml.utf8), file: "/etc/config.yaml").first)
        let service = ConfiguredService(node)
        var request = ProjectLoader.Request(workingDirectory: "/checkout")
        request.projectName = "shop"
        request.projectDirectory = "/checkout"
        request.honoursComposeVariables = false
        request.environment = environment
        request.configured(service, projectName: "shop")
        let files = FileTree(["/checkout/app.env": "A=1\n"])
        return try ProjectLoader(files: files.access).load(request).project
    }

    @Test func `it is one service with the checkout mounted, which is restarted`() throws {
        let project = try project("{image: 'alpine:${V}', command: [/src/app]}", environment: ["V": "3.20"])
        let service = try #require(project.services["shop"])
        #expect(project.services.count == 1 && project.name == "shop")
        #expect(service.image == "alpine:3.20" && service.restart == "unless-stopped")
        #expect(service.volumes.map { "\($0.source ?? "") \($0.target)" } == ["/checkout /src"])
        #expect(project.configFiles == ["/etc/config.yaml"])
    }

    @Test func `mount, env_files, networks and volumes are its own words`() throws {
        let project = try project(
            """
            image: alpine
            restart: "no"
            mount: /app
            env_files: [app.env]
            volumes: ["data:/data"]
            networks: {front: {aliases: [shop]}, proxy: {external: true, name: web}}
            """)
        let service = try #require(project.services["shop"])
        #expect(service.restart == "no" && service.envFiles.map(\.path) == ["/checkout/app.env"])
        #expect(service.volumes.map(\.target) == ["/app", "/data"])
        #expect(project.volumes["data"]?.name == "shop_data")
        #expect(project.networks["front"]?.name == "shop_front")
        #expect(project.networks["proxy"]?.name == "web" && project.networks["proxy"]?.external == true)
    }

    @Test func `what is wrong with it is told where it is written`() throws {
        let error = #expect(throws: ComposeError.self) { try project("image: alpine\nimagee: b\n") }
        #expect(error?.description.contains("/etc/config.yaml:2:1") == true, "\(String(describing: error))")
    }
}
