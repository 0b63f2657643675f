//! The variables that a function is started with: those that Lambda sets, and those that the template gives it, which are read
//! there, so that a function is measured with what it is deployed with.

use std::fs;

use usher_local::ses::{CONFIGURATION_SET, SENDER};

use crate::{report::Trouble, root};

/// What the variables of the template are while it is measured. Without a value, a variable is not set.
const VALUES: [(&str, &str); 23] = [
    ("ALLOWED_EMAIL_DOMAINS", ""),
    ("DEFAULT_LOCALE", "en"),
    ("GROUPS_CLAIM", "cognito:groups"),
    ("MAIL_CONFIGURATION_SET", CONFIGURATION_SET),
    ("MAIL_FROM", SENDER),
    ("MAIL_IDENTITY", SENDER),
    ("MAIL_LEASE_SECONDS", "150"),
    ("MAIL_RATE", ""),
    ("PRODUCT_NAME", "Acme"),
    ("PUBLIC_URL", "https://join.example.com"),
    ("REDIRECT_ORIGINS", ""),
    ("REMINDER_DAYS", "3"),
    ("SCOPE_PREFIX", ""),
    (
        "SIGN_IN_AUTHORIZE_URL",
        "https://sign-in.example.com/authorize",
    ),
    ("SIGN_IN_CLIENT_ID", "usher"),
    ("SIGN_IN_LOGOUT_URL", "https://sign-in.example.com/logout"),
    ("SIGN_IN_SCOPES", "openid email profile"),
    ("SIGN_IN_TOKEN_URL", "https://sign-in.example.com/token"),
    ("SIGN_IN_URL", "https://sign-in.example.com/login"),
    ("TABLE_NAME", "usher"),
    ("TENANT_CLAIM", "tenant"),
    (
        "TOKEN_KEY_SECRET",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:usher",
    ),
    ("USER_POOL_ID", ""),
];

/// What Lambda sets for every function, and `RUST_LOG`, which the template does.
pub(crate) const LAMBDA: [(&str, &str); 11] = [
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_EXECUTION_ENV", "AWS_Lambda_Image"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "measured"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_SECRET_ACCESS_KEY", "local"),
    ("AWS_SESSION_TOKEN", "local"),
    ("RUST_LOG", "info"),
];

/// The variables that the template gives this function, with values to measure with; none if it is no function.
pub(crate) fn of_template(function: &str) -> Result<Vec<(&'static str, String)>, Trouble> {
    const REMEDY: &str = "say in tests/bench/program.rs how the template is read now";
    let file = root().join("infra/template.yaml");
    let template = fs::read_to_string(&file)
        .map_err(|error| Trouble::new(format!("{}: {error}", file.display()), REMEDY))?;
    let resource = format!("{}Function:", capitalised(function));
    let of_function = template
        .lines()
        .skip_while(|line| line.trim_end() != format!("  {resource}"))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("   "));
    let names = of_function
        .skip_while(|line| line.trim() != "Variables:")
        .skip(1)
        .filter_map(|line| line.strip_prefix("          ")?.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    let mut variables = Vec::new();
    for name in names {
        let known = VALUES.iter().find(|(known, _)| *known == name);
        let Some((name, value)) = known else {
            let what = format!("the template has a variable {name}, whose value here is not known");
            return Err(Trouble::new(what, "give it one in tests/bench/program.rs"));
        };
        variables.push((*name, (*value).to_owned()));
        // So that most measures need no Secrets Manager; where it matters, this is set to nothing.
        if *name == "TOKEN_KEY_SECRET" {
            let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
            variables.push(("TOKEN_KEY", key.to_owned()));
        }
    }
    Ok(variables)
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    first.to_ascii_uppercase() + rest
}
