//! The same routes, wherever they are declared.

use usher_local::ROUTES;

#[test]
fn cargo_lambda_watch_has_the_routes_of_the_stack() {
    let workspace = include_str!("../../Cargo.toml");
    let (_, router) = workspace
        .split_once("[workspace.metadata.lambda.watch.router]")
        .expect("the router's table");
    let router = router.split("\n[").next().unwrap();
    for route in ROUTES {
        let path = format!("\"{}\" = [", route.path);
        let lambda = format!(
            "{{ method = \"{}\", function = \"{}\" }}",
            route.method, route.function
        );
        assert!(
            router
                .lines()
                .any(|line| line.starts_with(&path) && line.contains(&lambda)),
            "the workspace's metadata lacks {lambda} at {}",
            route.path
        );
    }
    assert_eq!(router.matches("{ method = ").count(), ROUTES.len());
}
