/// What `watcher init` writes: every key of the configuration, commented.
enum ExampleConfiguration {
    static let text = """
        # watcher's configuration; see watcher(1). Check it with: watcher check
        projects:
          # The name is yours; it names the project in every command, and is the Compose project name by default.
          shop:
            # ssh (git@host:path or ssh://), https:// or file://. Host keys are always verified.
            repository: git@git.example.com:acme/infra.git
            # One of: a branch, the highest version among matching tags (tag: "v*"), a fixed commit (commit: ID).
            branch: main
            # Where the Compose files are in the repository.
            #directory: stacks/shop
            # Compose files in merge order; by default compose.yaml and its override are found as docker compose does.
            #files: [compose.yaml, compose.prod.yaml]
            #project_name: shop
            #profiles: [prod]
            # Variables for ${...} in Compose files. watcher's own environment is not used.
            #env_files: [/etc/watcher/shop.env]
            #environment: {TAG: "1.4"}
            # Files of this host that Compose files may name to be read (env_file, include, extends).
            #host_files: [/etc/app]
            #git:
              # Secrets are files only their owner can read, or credentials of systemd.
              #ssh_key: /etc/watcher/id_ed25519
              #known_hosts: /etc/watcher/known_hosts
              # The authority of an https server, if the system does not know it.
              #ca: /etc/watcher/ca.pem
              #username: deploy
              #password: {credential: git-token}
              # Deploy although the branch was rewritten (force-pushed).
              #allow_rewrite: false
              # Permit http:// to another machine, or a file:// repository of another user.
              #insecure_http: false
              #safe_directory: false
              # Credentials for submodules on other servers; false leaves submodules out.
              #submodules: {"https://git.example.org/libs": {username: deploy, password: {credential: libs-token}}}
              # Deploy only what somebody of these has signed (SSH, OpenPGP, or both).
              #verify:
                #allowed_signers: /etc/watcher/allowed_signers
                #revoked_keys: /etc/watcher/revoked_keys
                #gpg_keyring: /etc/watcher/keyring.gpg
                # every: also each commit below the tip that is new since the last deployment.
                #mode: tip
            #engine:
              #host: unix:///var/run/docker.sock
              #tls: {ca: ca.pem, cert: cert.pem, key: key.pem}
              # For ssh://deploy@host:
              #ssh_key: /etc/watcher/id_ed25519
              #known_hosts: /etc/watcher/known_hosts
              # The longest an ordinary answer may take.
              #timeout: 30s
            # How long a run may take, and how much memory its process may use; beside projects: for all of them.
            #deadline: 30m
            #memory: 2g
            #health:
              # How long a service may take to become healthy; by default what its health check needs.
              #timeout: 5m
              # How long a service without a health check must run.
              #settle: 3s
            # Try a commit that failed again; by default it stays on the skip list.
            #retry: {after: 1h, attempts: 3}
            # Remove containers of services that are no longer in the files, and images that no rollback needs.
            #prune: {orphans: true, images: false}
            # Commands on this host before the Compose files are loaded; what they make is put in place too.
            #build: [[go, build, -o, app, .], {shell: "age -d -i /etc/watcher/age.key -o token token.age"}]
            # A service instead of Compose files; the checkout is mounted at /src.
            #run: {image: "alpine:3.20", command: [/src/app], ports: ["8080:8080"]}
            # Commands before and after a deployment, and after one that failed.
            #hooks: {pre_deploy: [/usr/local/bin/backup-database], on_failure: [/usr/local/bin/tell-somebody]}
            # What commits may ask of the host: a key denies everything but what it names. Beside projects it holds for all.
            #policy:
              #privileged: false
              #host_namespaces: false
              #bind_sources: [/srv]
              #capabilities: []
              #devices: []
              #security_options: []
              #registries: [registry.example.com]
              #ports: ["127.0.0.1:*", "*:443"]
              # Images by digest, made at least so long ago, and signed.
              #pinned: true
              #minimum_image_age: 3d
              #cosign: {key: /etc/watcher/cosign.pub}
              # When new commits are deployed.
              #windows: [{allow: "0 22 * * 1-5", for: 6h, timezone: Europe/Berlin}]

        """
}
