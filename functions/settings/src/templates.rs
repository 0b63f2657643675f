//! `/v1/templates`: the words of the mail in every language, a tenant's own or those that Usher comes with.

use lambda_http::{Request, RequestExt, http::Method};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{Inviter, Locale, TemplateSource, UserId},
    http::{
        Answer, Caller, Problem, Scope, check_parameters, json, json_body, optional_json_body,
        required_field, user_not_found,
    },
    mail::{
        Content, Letterhead, Sample, Template, TemplateRefusal, Templates, VARIABLES, built_in,
        check, render, variable_names,
    },
    store::{Decided, DecisionWritten, Expected, OwnTemplate},
};

use crate::{
    Settings,
    versions::{changed_meanwhile, expected, with_version},
};
