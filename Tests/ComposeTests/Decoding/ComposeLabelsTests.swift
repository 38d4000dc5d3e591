import Testing

@testable import Compose

struct ComposeLabelsTests {
    @Test func `a container has the labels docker compose gives it, which win over the user's`() {
        var project = Project(name: "p", workingDirectory: "/srv", configFiles: ["/srv/a.yaml", "/srv/b.yaml"])
        project.environmentFiles = ["/srv/x.env"]
        var service = Service(name: "web")
        service.labels = ["mine": "1", "com.docker.compose.service": "spoofed"]
        service.dependsOn = ["z": Dependency(), "db": Dependency(condition: .healthy, restart: true)]
        let labels = service.containerLabels(in: project, number: 2, imageID: "sha256:i", configHash: "h")
        #expect(
            labels == [
                "mine": "1",
                "com.docker.compose.project": "p",
                "com.docker.compose.service": "web",
                "com.docker.compose.version": "2.40.3",
                "com.docker.compose.project.working_dir": "/srv",
                "com.docker.compose.project.config_files": "/srv/a.yaml,/srv/b.yaml",
                "com.docker.compose.project.environment_file": "/srv/x.env",
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.config-hash": "h",
                "com.docker.compose.container-number": "2",
                "com.docker.compose.depends_on": "db:service_healthy:true,z:service_started:false",
                "com.docker.compose.image": "sha256:i",
            ])
    }

    @Test func `networks and volumes carry their key and hash`() {
        let project = Project(name: "p", workingDirectory: "/srv", configFiles: [])
        let network = Network(name: "p_front").labels(key: "front", in: project)
        #expect(network["com.docker.compose.network"] == "front")
        #expect(network["com.docker.compose.config-hash"] == ConfigHash.ofNetwork(Network(name: "p_front")))
        #expect(Volume(name: "p_v").labels(key: "v", in: project)["com.docker.compose.volume"] == "v")
    }

    @Test func `names follow docker compose's scheme`() {
        let project = Project(name: "p", workingDirectory: "/srv", configFiles: [])
        var service = Service(name: "web")
        #expect(service.containerName(in: project, number: 3) == "p-web-3")
        #expect(service.imageName(in: project) == "p-web")
        service.containerName = "mine"
        service.image = "nginx"
        #expect(service.containerName(in: project, number: 3) == "mine")
        #expect(service.imageName(in: project) == "nginx")
    }

    @Test(arguments: [("2.40.3", ConfigHash.Flavour.v2), ("v2.1", .v2), ("5.0.1", .v5), ("dev", .v2)])
    func `a version label tells which model was hashed`(version: String, flavour: ConfigHash.Flavour) {
        #expect(ConfigHash.Flavour(composeVersion: version) == flavour)
    }
}

struct ImageReferenceTests {
    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"),
        ("a/b", "docker.io/a/b:latest", "a/b:latest"),
        ("ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x", "ghcr.io/a/b/c:x"),
        ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
        ("localhost:5000/a:b", "localhost:5000/a:b", "localhost:5000/a:b"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
    ])
    func `a reference is completed as the engine completes it`(text: String, full: String, familiar: String) throws {
        let reference = try #require(ImageReference(text))
        #expect(reference.description == full)
        #expect(reference.familiarName == familiar)
        #expect(ImageReference(reference.familiarName) == reference)
    }

    @Test func `a digest needs no tag`() throws {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        let reference = try #require(ImageReference("r.example:443/x@" + digest))
        #expect(reference.registry == "r.example:443")
        #expect(reference.tag == nil)
        #expect(reference.digest == digest)
        #expect(ImageReference("x:1@" + digest)?.tag == "1")
    }

    @Test(arguments: ["", "A", "a:", "a b", "a/", "/a", "a@sha256:1", "a:b:c", "-a", "a//b", "a:ü"])
    func `what is no reference is refused`(text: String) {
        #expect(ImageReference(text) == nil)
    }
}
